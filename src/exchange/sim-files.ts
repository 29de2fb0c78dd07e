/**
 * A simulated run as CSV: a row a request, a row a sample of the series, a row a point and repetition.
 *
 * Columns carry their unit in the name. An empty cell is something that did not happen or cannot be had, never 0.
 */
import type { SimDistribution, SimPoint, SimRepetition, SimRun, SimSummary } from '../core/run/simulation.ts';
import { toCsv, type Cell } from './csv.ts';

/** Settings of each axis, the repetition and its seed, before what `columns` says of it. */
function rowsOf(
  run: SimRun,
  rows: (repetition: SimRepetition, point: SimPoint) => Iterable<readonly Cell[]>,
  header: readonly string[],
): string {
  const axes = [...new Set(run.points.flatMap(({ settings }) => Object.keys(settings)))];
  const body: Cell[][] = [];
  for (const point of run.points) {
    for (const [index, repetition] of point.repetitions.entries()) {
      const front = [...axes.map((axis) => point.settings[axis] ?? null), index, repetition.seed];
      for (const row of rows(repetition, point)) body.push([...front, ...row]);
    }
  }
  return toCsv([...axes, 'repetition', 'seed', ...header], body);
}

const REQUESTS = [
  'arrivalMs',
  'startMs',
  'firstTokenMs',
  'endMs',
  'promptTokens',
  'outputTokens',
  'cachedTokens',
  'preemptions',
  'replica',
] as const;

const SERIES = [
  'timeMs',
  'running',
  'waiting',
  'activeBlocks',
  'cachedBlocks',
  'freeBlocks',
  'wastedBlocks',
  'preemptions',
  'lookedUpTokens',
  'hitTokens',
  'tierOutBytes',
  'tierInBytes',
] as const;

/** One row a request that the run's file keeps. */
export function simRequestsToCsv(run: SimRun): string {
  return rowsOf(
    run,
    ({ requests }) =>
      requests.arrivalMs.map((_, row) => [row, ...REQUESTS.map((name) => requests[name][row] ?? null)]),
    ['id', ...REQUESTS],
  );
}

/** One row a sample; each value holds from its time until the next. */
export function simSeriesToCsv(run: SimRun): string {
  return rowsOf(
    run,
    ({ series }) => series.timeMs.map((_, at) => SERIES.map((name) => series[name][at] ?? null)),
    SERIES,
  );
}

const SCALARS = [
  'requests',
  'finished',
  'durationMs',
  'promptTokensPerSecond',
  'outputTokensPerSecond',
  'requestsPerSecond',
  'goodput',
  'attainment',
  'prefixHitRatio',
  'preemptions',
  'recomputedTokens',
  'steps',
  'meanBatch',
  'kvBlocks',
  'peakKvBlocks',
  'meanKvBlocks',
  'fragmentation',
  'steadyFromMs',
  'tbtMs',
] as const satisfies readonly (keyof SimSummary)[];
const DISTRIBUTIONS = ['ttftMs', 'tpotMs', 'itlMs', 'e2eMs', 'queueMs'] as const;
const STATISTICS = ['mean', 'p50', 'p90', 'p95', 'p99', 'max'] as const satisfies (keyof SimDistribution)[];
const BASIS = ['measured', 'interpolated', 'extrapolated', 'assumed'] as const;

/** What the prefix cache had of all prompts, in tokens. */
function hitsAndMisses({ series }: SimRepetition): Cell[] {
  const sum = (column: readonly (number | null)[]) => column.reduce<number>((all, n) => all + (n ?? 0), 0);
  const hits = sum(series.hitTokens);
  return [hits, sum(series.lookedUpTokens) - hits];
}

/** One row a repetition of a point: its summary, cache hits and misses, and what the times rest on. */
export function simPointsToCsv(run: SimRun): string {
  return rowsOf(
    run,
    (repetition) => {
      const { summary, basis } = repetition;
      return [
        [
          ...SCALARS.map((name) => summary[name] ?? null),
          ...hitsAndMisses(repetition),
          ...DISTRIBUTIONS.flatMap((name) =>
            STATISTICS.map((statistic) => summary[name]?.[statistic] ?? null),
          ),
          ...BASIS.map((name) => basis[name]),
        ],
      ];
    },
    [
      ...SCALARS,
      'hitTokens',
      'missTokens',
      ...DISTRIBUTIONS.flatMap((name) => STATISTICS.map((statistic) => `${name} ${statistic}`)),
      ...BASIS.map((name) => `steps ${name}`),
    ],
  );
}
