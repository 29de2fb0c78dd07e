/** Whole distributions of a load: what was measured, and what the simulator says of the same requests. */
import { describeMetric, type MetricId } from '../../../core/metrics/definitions.ts';
import { percentileOfSorted } from '../../../core/metrics/percentiles.ts';
import type { LoadRun } from '../../../core/run/load.ts';
import type { SimSummary } from '../../../core/run/simulation.ts';
import type { FigureSeries, FigureSpec } from '../../figure.ts';
import { formatValue } from '../../format.ts';
import { loadCases, loadProvenance, signedPercent, type LoadCase } from './subject.ts';

interface Latency {
  readonly id: string;
  readonly of: 'ttftMs' | 'tpotMs' | 'itlMs' | 'e2eMs';
  readonly metric: MetricId;
  readonly label: string;
  readonly samples: string;
}

const LATENCIES: readonly Latency[] = [
  { id: 'load_ttft_cdf', of: 'ttftMs', metric: 'ttft', label: 'Time to first token', samples: 'requests' },
  { id: 'load_tpot_cdf', of: 'tpotMs', metric: 'tpot', label: 'Time per output token', samples: 'requests' },
  { id: 'load_itl_cdf', of: 'itlMs', metric: 'itl', label: 'Gap between pieces', samples: 'gaps' },
  { id: 'load_e2e_cdf', of: 'e2eMs', metric: 'e2e', label: 'Request latency', samples: 'requests' },
];

const MARKED = [50, 90, 95, 99] as const;
/** With both sides of each, more curves than these can't be told apart. */
const MAX_CASES = 3;

export function distributions(run: LoadRun): FigureSpec[] {
  return LATENCIES.flatMap((latency) => cdf(run, latency) ?? []);
}

function valuesOf(side: readonly SimSummary[], { of }: Latency): number[] {
  return side.flatMap((summary) => summary[of]?.quantiles ?? []).sort((a, b) => a - b);
}

function measuredOf({ measured }: LoadCase): readonly SimSummary[] {
  return measured.map(({ summary }) => summary);
}

function cdf(run: LoadRun, latency: Latency): FigureSpec | null {
  const cases = loadCases(run).filter((found) => valuesOf(measuredOf(found), latency).length > 0);
  const first = cases[0];
  if (first === undefined) return null;
  const shown = cases.length <= MAX_CASES ? cases : cases.filter((_, i) => i === 0 || i === cases.length - 1);
  const left = cases.filter((found) => !shown.includes(found)).map(({ label }) => label);
  const series = shown.flatMap((found, colour) => [
    curve(found.label, 'Measured', measuredOf(found), colour, latency),
    ...(found.predicted.length === 0
      ? []
      : [curve(found.label, 'Predicted', found.predicted, colour, latency)]),
  ]);
  const positive = series.every(({ samples }) =>
    (samples ?? []).every(({ values }) => values.every((value) => value > 0)),
  );
  return {
    id: latency.id,
    mark: 'cdf',
    title: `${latency.label}: measured and predicted`,
    x: { label: latency.label, unit: 'ms', scale: positive ? 'log' : 'linear' },
    y: { label: `Share of ${latency.samples} that took at most x`, unit: 'share', scale: 'linear' },
    series,
    definition: `${describeMetric(latency.metric)} Times count from when a request was due. Markers: p50, p90, p95 and p99, as far as the samples reach.`,
    finding: shown.map((found) => clause(found, latency)).join(' '),
    ...loadProvenance(
      run,
      left.length === 0 ? [] : [`Not drawn: ${left.join('; ')}; of many points the two ends are.`],
    ),
  };
}

function curve(
  label: string,
  side: 'Measured' | 'Predicted',
  summaries: readonly SimSummary[],
  colour: number,
  latency: Latency,
): FigureSeries {
  const values = valuesOf(summaries, latency);
  const samples = summaries.reduce((sum, summary) => sum + (summary[latency.of]?.samples ?? 0), 0);
  return {
    id: `${side}:${label}`,
    label: label === '' ? side : `${side}, ${label}`,
    colour,
    ...(side === 'Predicted' ? { dashed: true } : { broad: true }),
    points: MARKED.filter((p) => samples >= 100 / (100 - p)).map((p) => ({
      x: percentileOfSorted(values, p),
      y: p / 100,
      label: `p${p}`,
      n: samples,
    })),
    samples: [{ x: null, values }],
  };
}

function clause(found: LoadCase, latency: Latency): string {
  const at = (side: readonly SimSummary[], p: number): number =>
    percentileOfSorted(valuesOf(side, latency), p);
  const measured = measuredOf(found);
  const median = at(measured, 50);
  const name = found.label === '' ? '' : `${found.label}: `;
  const said = `${name}${formatValue(median, 'ms')} at the median and ${formatValue(at(measured, 99), 'ms')} at p99 measured`;
  if (valuesOf(found.predicted, latency).length === 0) return `${said}; there is no prediction.`;
  const predicted = at(found.predicted, 50);
  const error = median > 0 ? `, ${signedPercent(100 * (predicted / median - 1))}` : '';
  return `${said}; the median is ${formatValue(predicted, 'ms')} predicted${error}.`;
}
