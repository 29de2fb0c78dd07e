/** Whole distributions: what was measured, and what the simulator says of the same requests. */
import { describeMetric, type MetricId } from '../../../core/metrics/definitions.ts';
import { percentileOfSorted } from '../../../core/metrics/percentiles.ts';
import type { SimRepetition } from '../../../core/run/simulation.ts';
import type { ServeRun } from '../../../core/run/serve.ts';
import type { FigurePoint, FigureSeries, FigureSpec } from '../../figure.ts';
import { formatValue } from '../../format.ts';
import { casesOf, serveProvenance, signedPercent, type ServeCase } from './subject.ts';

interface Latency {
  readonly id: string;
  readonly of: 'ttftMs' | 'tpotMs' | 'itlMs' | 'e2eMs';
  readonly metric: MetricId;
  readonly label: string;
  readonly samples: string;
}

const LATENCIES: readonly Latency[] = [
  { id: 'serve_ttft_cdf', of: 'ttftMs', metric: 'ttft', label: 'Time to first token', samples: 'requests' },
  { id: 'serve_tpot_cdf', of: 'tpotMs', metric: 'tpot', label: 'Time per output token', samples: 'requests' },
  { id: 'serve_itl_cdf', of: 'itlMs', metric: 'itl', label: 'Gap between tokens', samples: 'gaps' },
  { id: 'serve_e2e_cdf', of: 'e2eMs', metric: 'e2e', label: 'Request latency', samples: 'requests' },
];

const MARKED = [50, 90, 95, 99] as const;
/** With both sides of each, more curves than these can't be told apart. */
const MAX_CASES = 3;

export function distributions(run: ServeRun): FigureSpec[] {
  const cases = casesOf(run);
  if (cases.length === 0) return [];
  return LATENCIES.flatMap((latency) => cdf(run, cases, latency) ?? []);
}

function valuesOf(side: readonly SimRepetition[], { of }: Latency): number[] {
  return side.flatMap(({ summary }) => summary[of]?.quantiles ?? []).sort((a, b) => a - b);
}

function samplesOf(side: readonly SimRepetition[], { of }: Latency): number {
  return side.reduce((sum, { summary }) => sum + (summary[of]?.samples ?? 0), 0);
}

function cdf(run: ServeRun, all: readonly ServeCase[], latency: Latency): FigureSpec | null {
  const withSamples = all.filter(({ sides }) => valuesOf(sides.measured, latency).length > 0);
  if (withSamples.length === 0) return null;
  const shown =
    withSamples.length <= MAX_CASES
      ? withSamples
      : withSamples.filter((_, i) => i === 0 || i === withSamples.length - 1);
  const left = withSamples.filter((found) => !shown.includes(found)).map(({ label }) => label);
  const series = shown.flatMap((found, colour) => [
    curve(found, 'measured', colour, latency),
    ...(found.sides.predicted.length === 0 ? [] : [curve(found, 'predicted', colour, latency)]),
  ]);
  const positive = series.every(({ samples }) =>
    (samples ?? []).every(({ values }) => values.every((value) => value > 0)),
  );
  const note = left.length === 0 ? [] : [`Not drawn: ${left.join('; ')}; of many points the two ends are.`];
  return {
    id: latency.id,
    mark: 'cdf',
    title: `${latency.label}: predicted and measured`,
    x: { label: latency.label, unit: 'ms', scale: positive ? 'log' : 'linear' },
    y: { label: `Share of ${latency.samples} that took at most x`, unit: 'share', scale: 'linear' },
    series,
    definition: `${describeMetric(latency.metric)} Times count from when a request was due. Markers: p50, p90, p95 and p99, as far as the samples reach.`,
    finding: shown.map((found) => clause(found, latency)).join(' '),
    ...serveProvenance(run, note),
  };
}

function curve(
  { label, sides }: ServeCase,
  name: 'measured' | 'predicted',
  colour: number,
  latency: Latency,
): FigureSeries {
  const values = valuesOf(sides[name], latency);
  const samples = samplesOf(sides[name], latency);
  const side = name === 'measured' ? 'Measured' : 'Predicted';
  return {
    id: label === '' ? name : `${name}:${label}`,
    label: label === '' ? side : `${side}, ${label}`,
    colour,
    ...(name === 'predicted' ? { dashed: true } : { broad: true }),
    points: MARKED.filter((p) => samples >= 100 / (100 - p)).map((p): FigurePoint => ({
      x: percentileOfSorted(values, p),
      y: p / 100,
      label: `p${p}`,
      n: samples,
    })),
    samples: [{ x: null, values }],
  };
}

function clause({ label, sides }: ServeCase, latency: Latency): string {
  const at = (side: readonly SimRepetition[], p: number) => percentileOfSorted(valuesOf(side, latency), p);
  const name = label === '' ? '' : `${label}: `;
  const median = at(sides.measured, 50);
  const said = `${name}${formatValue(median, 'ms')} at the median and ${formatValue(at(sides.measured, 99), 'ms')} at p99 measured`;
  if (sides.predicted.length === 0) return `${said}; there is no prediction.`;
  const predicted = at(sides.predicted, 50);
  const error = median > 0 ? `, ${signedPercent(100 * (predicted / median - 1))}` : '';
  return `${said}; the median is ${formatValue(predicted, 'ms')} predicted${error}.`;
}
