/** Figures of results that another tool measured: latencies and throughput by load, as far as the file has them. */
import { METRICS, type MetricId } from '../../../core/metrics/definitions.ts';
import type { ImportedRun } from '../../../core/run/imported.ts';
import type { MeasuredResult, MeasuredStatistic, MeasuredTime } from '../../../core/run/measured.ts';
import type { FigureAxis, FigureSeries, FigureSpec } from '../../figure.ts';
import { formatValue } from '../../format.ts';

interface Quantity {
  readonly id: string;
  readonly title: string;
  readonly label: string;
  readonly unit: string;
  readonly metric: MetricId;
  /** Its lines: a name, and the value of a point. */
  readonly lines: readonly (readonly [string, (point: MeasuredResult) => number | null])[];
}

const STATISTICS: readonly MeasuredStatistic[] = ['mean', 'p50', 'p99'];

function latency(time: MeasuredTime, title: string, label: string, metric: MetricId): Quantity {
  const lines = STATISTICS.map(
    (statistic) => [statistic, (point: MeasuredResult) => point[time][statistic]] as const,
  );
  return { id: `imported_${metric}`, title, label, unit: 'ms', metric, lines };
}

const QUANTITIES: readonly Quantity[] = [
  latency('ttftMs', 'Time to first token', 'TTFT', 'ttft'),
  latency('tpotMs', 'Time per output token', 'TPOT', 'tpot'),
  latency('itlMs', 'Gap between tokens', 'ITL', 'itl'),
  latency('e2eMs', 'Request latency', 'E2E', 'e2e'),
  {
    id: 'imported_throughput',
    title: 'Output throughput',
    label: 'Output tokens',
    unit: 'tok/s',
    metric: 'throughput',
    lines: [['all requests', (point) => point.outputTokensPerSecond]],
  },
];

interface Load {
  readonly axis: FigureAxis;
  readonly x: (point: MeasuredResult) => number | string;
}

/** By requests in flight, else by the offered rate, where every point has one; else by the points' names. */
function loadAxis(runs: readonly ImportedRun[]): Load {
  const points = runs.flatMap((run) => run.points);
  const all = (of: (point: MeasuredResult) => number | null) =>
    points.length > 1 && points.every((point) => of(point) !== null);
  const rate = ({ load }: MeasuredResult) => load.requestsPerSecond;
  const concurrency = ({ load }: MeasuredResult) => load.concurrency;
  if (all(rate)) {
    return {
      axis: { label: 'Offered load', unit: 'req/s', scale: 'linear' },
      x: (point) => rate(point) ?? 0,
    };
  }
  if (all(concurrency)) {
    return {
      axis: { label: 'Requests in flight', unit: '', scale: 'linear' },
      x: (point) => concurrency(point) ?? 0,
    };
  }
  return { axis: { label: 'Load', unit: '', scale: 'category' }, x: ({ label }) => label };
}

function seriesOf(run: ImportedRun, quantity: Quantity, load: Load, dashed: boolean): FigureSeries[] {
  return quantity.lines.flatMap(([name, valueOf], colour) => {
    if (run.points.every((point) => valueOf(point) === null)) return [];
    const points = run.points
      .map((point) => ({
        x: load.x(point),
        y: valueOf(point),
        ...(valueOf(point) === null ? { reason: 'The file does not have it.' } : {}),
      }))
      .toSorted((a, b) => (typeof a.x === 'number' && typeof b.x === 'number' ? a.x - b.x : 0));
    const label = dashed ? `${name}, ${run.file}` : name;
    return [{ id: `${dashed ? 'other-' : ''}${name}`, label, colour, dashed, points }];
  });
}

function findingOf(run: ImportedRun, { label, unit, lines }: Quantity): string {
  const found = lines
    .map(([name, valueOf]) => ({
      name,
      values: run.points.flatMap((point) => {
        const value = valueOf(point);
        return value === null ? [] : [{ at: point.label, value }];
      }),
    }))
    .find(({ values }) => values.length > 0);
  const sorted = found?.values.toSorted((a, b) => a.value - b.value) ?? [];
  const [least, most] = [sorted[0], sorted.at(-1)];
  if (found === undefined || least === undefined || most === undefined) return 'The file has no such figure.';
  const what = `${label} (${found.name})`;
  if (least === most) return `${what} is ${formatValue(least.value, unit)} at ${least.at}.`;
  return `${what} goes from ${formatValue(least.value, unit)} at ${least.at} to ${formatValue(most.value, unit)} at ${most.at}.`;
}

/** Beside another import both stand in one figure. */
export function importedFigures(run: ImportedRun, other?: ImportedRun): FigureSpec[] {
  const load = loadAxis(other === undefined ? [run] : [run, other]);
  return QUANTITIES.flatMap((quantity): FigureSpec[] => {
    const own = seriesOf(run, quantity, load, false);
    if (own.length === 0) return [];
    const series = [...own, ...(other === undefined ? [] : seriesOf(other, quantity, load, true))];
    const model = run.points[0]?.model ?? null;
    return [
      {
        id: quantity.id,
        mark: load.axis.scale === 'category' ? 'bar' : 'line',
        title: `${quantity.title} by load`,
        subtitle: [model, run.tool, run.file].flatMap((word) => word ?? []).join(', '),
        x: load.axis,
        y: { label: quantity.label, unit: quantity.unit, scale: 'linear' },
        series,
        origin: run.origin,
        definition: METRICS[quantity.metric].sentence,
        finding: findingOf(run, quantity),
        notes: [`Measured by ${run.tool}; what its figures were and became stands with the run.`],
        source: { runId: run.id, command: run.command, createdAt: run.createdAt },
      },
    ];
  });
}
