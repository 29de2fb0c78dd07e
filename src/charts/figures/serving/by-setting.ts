/** A metric over the settings of the run, measured and predicted, with the error in words. */
import { SERVING_METRICS } from '../../../core/metrics/definitions.ts';
import { metricOf, type PredictedMetric } from '../../../core/metrics/serving/predicted.ts';
import type { SimRepetition, SimSummary } from '../../../core/run/simulation.ts';
import type { ServeRun } from '../../../core/run/serve.ts';
import type { FigureAxis, FigurePoint, FigureSeries, FigureSpec } from '../../figure.ts';
import { formatValue } from '../../format.ts';
import { axisOf } from '../simulation/settings.ts';
import { SEED_INTERVAL, seedPoint } from '../simulation/seeds.ts';
import { simPointLabel } from '../simulation/subject.ts';
import { casesOf, pairOf, serveProvenance, signedPercent, type ServeCase } from './subject.ts';

interface Quantity {
  readonly id: string;
  readonly metric: PredictedMetric;
  readonly title: string;
  readonly of: keyof SimSummary;
  readonly unit: string;
}

const QUANTITIES: readonly Quantity[] = [
  { id: 'serve_ttft', metric: 'ttftMs.mean', title: 'Mean time to first token', of: 'ttftMs', unit: 'ms' },
  { id: 'serve_tpot', metric: 'tpotMs.mean', title: 'Mean time per output token', of: 'tpotMs', unit: 'ms' },
  { id: 'serve_itl', metric: 'itlMs.p99', title: 'p99 gap between tokens', of: 'itlMs', unit: 'ms' },
  { id: 'serve_e2e', metric: 'e2eMs.mean', title: 'Mean request latency', of: 'e2eMs', unit: 'ms' },
  {
    id: 'serve_throughput',
    metric: 'outputTokensPerSecond',
    title: 'Output throughput',
    of: 'outputTokensPerSecond',
    unit: 'tok/s',
  },
  { id: 'serve_kv', metric: 'meanKvBlocks', title: 'KV blocks in use', of: 'meanKvBlocks', unit: 'blocks' },
];

export function latenciesBySetting(run: ServeRun): FigureSpec[] {
  const cases = casesOf(run);
  if (cases.length === 0) return [];
  return QUANTITIES.flatMap((quantity) => figureOf(run, cases, quantity) ?? []);
}

function figureOf(run: ServeRun, all: readonly ServeCase[], quantity: Quantity): FigureSpec | null {
  const { id, metric, title, of, unit } = quantity;
  // A backend that tells no blocks has no use of them.
  const cases = metric === 'meanKvBlocks' ? all.filter(({ point }) => point.kvBlocks !== null) : all;
  if (cases.every((found) => pairOf(found, metric)?.measured == null)) return null;
  const path = numericPath(run);
  const x: FigureAxis = path === null ? { label: 'Setting', unit: '', scale: 'category' } : axisOf(path);
  const groups = [...new Set(cases.map(({ point }) => groupOf(point.settings, path)))];
  const series = groups.flatMap((group, colour) => {
    const own = cases.filter(({ point }) => groupOf(point.settings, path) === group);
    return sidesOf(own, { group, colour, path, metric });
  });
  return {
    id,
    mark: path === null ? 'bar' : 'line',
    title: `${title}: measured and predicted`,
    x,
    y: { label: title, unit, scale: 'linear' },
    series,
    definition: `${SERVING_METRICS[of].name}: ${SERVING_METRICS[of].sentence}`,
    intervalMeaning: SEED_INTERVAL,
    finding:
      cases
        .slice(0, 3)
        .map((found) => clause(found, quantity))
        .join(' ') + more(cases.length),
    ...serveProvenance(run),
  };
}

interface Line {
  readonly group: string;
  readonly colour: number;
  readonly path: string | null;
  readonly metric: PredictedMetric;
}

function sidesOf(cases: readonly ServeCase[], { group, colour, path, metric }: Line): FigureSeries[] {
  const side = (name: 'measured' | 'predicted'): FigureSeries => ({
    id: group === '' ? name : `${name}:${group}`,
    label: [name === 'measured' ? 'Measured' : 'Predicted', group].filter((text) => text !== '').join(', '),
    // Bars of both sides stand beside each other and need colours of their own.
    colour: path === null ? 2 * colour + (name === 'measured' ? 0 : 1) : colour,
    ...(name === 'predicted' ? { dashed: true } : {}),
    points: cases
      .map((found) => pointOf(found, found.sides[name], path, metric))
      .toSorted((a, b) => (path === null ? 0 : Number(a.x) - Number(b.x))),
  });
  const predicted = side('predicted');
  return predicted.points.every(({ y }) => y === null) ? [side('measured')] : [side('measured'), predicted];
}

function pointOf(
  { point, label }: ServeCase,
  side: readonly SimRepetition[],
  path: string | null,
  metric: PredictedMetric,
): FigurePoint {
  const x = path === null ? label || 'this scenario' : (point.settings[path] ?? 0);
  const values = side.flatMap(({ summary }) => metricOf(summary, metric) ?? []);
  return seedPoint(x, values, 'No request has this number.');
}

function numericPath({ points }: ServeRun): string | null {
  const paths = [...new Set(points.flatMap(({ settings }) => Object.keys(settings)))];
  return (
    paths.find((path) => {
      const values = points.map(({ settings }) => settings[path]);
      return new Set(values).size > 2 && values.every((value) => typeof value === 'number');
    }) ?? null
  );
}

function groupOf(settings: ServeCase['point']['settings'], path: string | null): string {
  if (path === null) return '';
  return simPointLabel(Object.fromEntries(Object.entries(settings).filter(([name]) => name !== path)));
}

function clause(found: ServeCase, { metric, unit }: Quantity): string {
  const pair = pairOf(found, metric);
  const name = found.label === '' ? '' : `${found.label}: `;
  if (!pair || pair.measured === null) return `${name}nothing was measured.`;
  const measured = `${name}${formatValue(pair.measured, unit)} measured`;
  if (pair.predicted === null || pair.errorPercent === null) return `${measured}.`;
  return `${measured}, ${formatValue(pair.predicted, unit)} predicted (${signedPercent(pair.errorPercent)}).`;
}

function more(cases: number): string {
  return cases > 3 ? ` ${cases - 3} more in the table.` : '';
}
