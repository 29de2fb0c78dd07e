/**
 * A real model on the visitor's own GPU and a real server, in one figure: what each gives at which wait. Both count from
 * when a request was due; of a server, network and client are in the times, and it may be another model.
 */
import { describeMetric, SERVING_METRICS, type MetricId } from '../../../core/metrics/definitions.ts';
import { percentileOfSorted } from '../../../core/metrics/percentiles.ts';
import type { LoadRun } from '../../../core/run/load.ts';
import type { ServeRun } from '../../../core/run/serve.ts';
import type { SimSummary } from '../../../core/run/simulation.ts';
import type { FigurePoint, FigureSpec } from '../../figure.ts';
import { formatNumber, formatValue } from '../../format.ts';
import { casesOf, serveProvenance } from '../serving/subject.ts';
import { loadCases, loadProvenance } from './subject.ts';

export type ServedRun = LoadRun | ServeRun;

interface Side {
  readonly name: string;
  readonly subtitle: string;
  readonly cases: readonly { readonly label: string; readonly summaries: readonly SimSummary[] }[];
}

const ABOUT =
  'Times count from when a request was due. Of a server, network and client are in them. Model, lengths and load are those of each run, under the title.';

function sideOf(run: ServedRun): Side {
  if (run.kind === 'load') {
    const cases = loadCases(run).map(({ label, measured }) => ({
      label,
      summaries: measured.map(({ summary }) => summary),
    }));
    return { name: `${run.title} (server)`, subtitle: `${run.model} on ${run.server.kind}`, cases };
  }
  const cases = casesOf(run).map(({ label, sides }) => ({
    label,
    summaries: sides.measured.map(({ summary }) => summary),
  }));
  return { name: `${run.title} (own GPU)`, subtitle: serveProvenance(run).subtitle, cases };
}

export function acrossFigures(run: ServedRun, other: ServedRun): FigureSpec[] {
  const sides = [sideOf(run), sideOf(other)];
  if (sides.some(({ cases }) => cases.length === 0)) return [];
  const { source, origin, notes } = run.kind === 'load' ? loadProvenance(run) : serveProvenance(run);
  const shared = { source, origin, notes, subtitle: sides.map(({ subtitle }) => subtitle).join(' beside ') };
  return [tradeOff(sides, shared), ...CURVES.map((curve) => cdf(sides, curve, shared))];
}

type Shared = Pick<FigureSpec, 'subtitle' | 'origin' | 'notes' | 'source'>;

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function tradeOff(sides: readonly Side[], shared: Shared): FigureSpec {
  const points = sides.map(({ cases }) =>
    cases.flatMap(({ label, summaries }): FigurePoint[] => {
      const x = mean(summaries.map(({ outputTokensPerSecond }) => outputTokensPerSecond));
      const y = mean(summaries.flatMap(({ ttftMs }) => ttftMs?.p50 ?? []));
      return x === null || y === null ? [] : [{ x, y, label, n: summaries.length }];
    }),
  );
  const most = points.map((side) => side.reduce((best, { x }) => Math.max(best, Number(x)), 0));
  return {
    id: 'across_throughput_ttft',
    mark: 'scatter',
    title: 'Own GPU and server: output against the wait for it',
    x: { label: 'Output', unit: 'tok/s', scale: 'log' },
    y: { label: 'Median time to first token', unit: 'ms', scale: 'log' },
    series: sides.map(({ name }, i) => ({
      id: `side ${i}`,
      label: name,
      colour: i,
      points: points[i] ?? [],
    })),
    named: true,
    definition: `${SERVING_METRICS.outputTokensPerSecond.sentence} ${ABOUT}`,
    finding: `${sides.map(({ name }, i) => `${name}: at most ${formatNumber(most[i] ?? 0)} tok/s`).join('; ')}.`,
    ...shared,
  };
}

interface Curve {
  readonly of: 'ttftMs' | 'tpotMs' | 'e2eMs';
  readonly metric: MetricId;
  readonly title: string;
}

const CURVES: readonly Curve[] = [
  { of: 'ttftMs', metric: 'ttft', title: 'Time to first token' },
  { of: 'tpotMs', metric: 'tpot', title: 'Time per output token' },
  { of: 'e2eMs', metric: 'e2e', title: 'Request latency' },
];

/** Of each run the point with the highest output. */
function fullest({ cases }: Side): readonly SimSummary[] {
  const rate = (summaries: readonly SimSummary[]): number =>
    mean(summaries.map(({ outputTokensPerSecond }) => outputTokensPerSecond)) ?? 0;
  return cases
    .map(({ summaries }) => summaries)
    .reduce((best, next) => (rate(next) > rate(best) ? next : best), []);
}

function cdf(sides: readonly Side[], { of, metric, title }: Curve, shared: Shared): FigureSpec {
  const values = sides.map((side) =>
    fullest(side)
      .flatMap((summary) => summary[of]?.quantiles ?? [])
      .sort((a, b) => a - b),
  );
  const positive = values.every((side) => side.every((value) => value > 0));
  const medians = values.map((side) => (side.length === 0 ? null : percentileOfSorted(side, 50)));
  return {
    id: `across_${metric}_cdf`,
    mark: 'cdf',
    title: `Own GPU and server: ${title.toLowerCase()}`,
    x: { label: title, unit: 'ms', scale: positive ? 'log' : 'linear' },
    y: { label: 'Share of requests that took at most x', unit: 'share', scale: 'linear' },
    series: sides.map(({ name }, i) => ({
      id: `side ${i}`,
      label: name,
      colour: i,
      points: medians[i] == null ? [] : [{ x: medians[i], y: 0.5, label: 'p50' }],
      samples: [{ x: null, values: values[i] ?? [] }],
    })),
    definition: `${describeMetric(metric)} ${ABOUT} Of each run the point with the highest output.`,
    finding: `At the median ${sides.map(({ name }, i) => `${name} ${medians[i] == null ? 'has none' : formatValue(medians[i], 'ms')}`).join(', ')}.`,
    ...shared,
  };
}
