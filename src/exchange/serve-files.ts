/**
 * A serving run as CSV: a row a request, a row a step, a row a point and metric with both sides and the error.
 *
 * Columns carry their unit in the name. An empty cell is something that did not happen or cannot be had, never 0.
 */
import { servedPoint } from '../core/metrics/serving/predicted.ts';
import { shapeOf } from '../core/metrics/serving/served.ts';
import type { ServePoint, ServeRecord, ServeRun } from '../core/run/serve.ts';
import { toCsv, type Cell } from './csv.ts';

const REQUESTS = [
  'arrivalMs',
  'sentMs',
  'startMs',
  'firstTokenMs',
  'endMs',
  'promptTokens',
  'outputTokens',
  'cachedTokens',
  'preemptions',
  'tokens',
] as const;

const STEPS = [
  'startMs',
  'endMs',
  'gpuMs',
  'decodeSequences',
  'decodeContextTokens',
  'prefillTokens',
  'prefillChunks',
  'prefillPairs',
  'running',
  'waiting',
  'activeBlocks',
  'cachedBlocks',
  'wastedSlots',
  'preemptions',
  'recomputedTokens',
] as const;

function axesOf({ points }: ServeRun): string[] {
  return [...new Set(points.flatMap(({ settings }) => Object.keys(settings)))];
}

interface Told {
  readonly side: 'measured' | 'predicted' | 'calibration';
  readonly record: ServeRecord;
}

/** Kept repetitions on both sides, then what the cost model was fitted on. */
function recordsOf({ repetitions, calibration }: ServePoint): Told[] {
  return [
    ...repetitions.flatMap(({ measured, predicted }): Told[] => [
      { side: 'measured', record: measured },
      ...(predicted === null ? [] : [{ side: 'predicted' as const, record: predicted }]),
    ]),
    ...calibration.map((record): Told => ({ side: 'calibration', record })),
  ];
}

function rowsOf(run: ServeRun, header: readonly string[], cells: (record: ServeRecord) => Cell[][]): string {
  const axes = axesOf(run);
  const rows = run.points.flatMap((point) =>
    recordsOf(point).flatMap(({ side, record }) =>
      cells(record).map((row): Cell[] => [
        ...axes.map((axis) => point.settings[axis] ?? null),
        point.backend,
        side,
        record.seed,
        ...row,
      ]),
    ),
  );
  return toCsv([...axes, 'engine', 'side', 'seed', ...header], rows);
}

/** One row a request of every repetition. */
export function serveRequestsToCsv(run: ServeRun): string {
  return rowsOf(run, ['id', ...REQUESTS], ({ requests }) =>
    requests.arrivalMs.map((_, row) => [row, ...REQUESTS.map((name) => requests[name][row] ?? null)]),
  );
}

/** One row a step of every repetition. */
export function serveStepsToCsv(run: ServeRun): string {
  return rowsOf(run, STEPS, ({ steps }) =>
    steps.endMs.map((_, i) => STEPS.map((name) => steps[name][i] ?? null)),
  );
}

/** One row a point and metric: measured with its 95 % interval, predicted, and by how much that is off. */
export function servePointsToCsv(run: ServeRun): string {
  const axes = axesOf(run);
  const rows = run.points.flatMap((point) =>
    servedPoint(point, shapeOf(point, run.scenario)).pairs.map((pair): Cell[] => [
      ...axes.map((axis) => point.settings[axis] ?? null),
      point.backend,
      point.status,
      pair.metric,
      pair.measured,
      pair.measuredInterval?.low ?? null,
      pair.measuredInterval?.high ?? null,
      pair.predicted,
      pair.errorPercent,
    ]),
  );
  const header = ['engine', 'status', 'metric', 'measured', 'low', 'high', 'predicted', 'errorPercent'];
  return toCsv([...axes, ...header], rows);
}
