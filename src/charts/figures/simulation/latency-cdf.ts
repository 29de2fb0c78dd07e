/** The whole distribution of one latency for each point of the run, beside its objective. */
import { describeMetric, type MetricId } from '../../../core/metrics/definitions.ts';
import type { SimDistribution, SimRun } from '../../../core/run/simulation.ts';
import type { FigurePoint, FigureSeries, FigureSpec } from '../../figure.ts';
import { formatNumber, formatValue } from '../../format.ts';
import { overSeeds, SEED_INTERVAL } from './seeds.ts';
import { casesOf, clausesOf, simProvenance, type SimCase, type SimLatency } from './subject.ts';

interface Quantity {
  readonly id: string;
  readonly metric: MetricId;
  readonly of: SimLatency;
  readonly short: string;
  readonly label: string;
  readonly objective: 'ttftMs' | 'tpotMs' | 'e2eMs';
}

const TTFT: Quantity = {
  id: 'sim_ttft_cdf',
  metric: 'ttft',
  of: 'ttftMs',
  short: 'TTFT',
  label: 'Time to first token',
  objective: 'ttftMs',
};
const TPOT: Quantity = {
  id: 'sim_tpot_cdf',
  metric: 'tpot',
  of: 'tpotMs',
  short: 'TPOT',
  label: 'Time per output token',
  objective: 'tpotMs',
};
const E2E: Quantity = {
  id: 'sim_e2e_cdf',
  metric: 'e2e',
  of: 'e2eMs',
  short: 'E2E',
  label: 'Request latency',
  objective: 'e2eMs',
};

export const ttftCdf = (run: SimRun): FigureSpec | null => latencyCdf(run, TTFT);
export const tpotCdf = (run: SimRun): FigureSpec | null => latencyCdf(run, TPOT);
export const e2eCdf = (run: SimRun): FigureSpec | null => latencyCdf(run, E2E);

/** Percentiles with a marker, and where the distribution keeps them. */
const MARKED = [
  { label: 'p50', share: 0.5, key: 'p50', samples: 1 },
  { label: 'p90', share: 0.9, key: 'p90', samples: 10 },
  { label: 'p95', share: 0.95, key: 'p95', samples: 20 },
  { label: 'p99', share: 0.99, key: 'p99', samples: 100 },
  { label: 'p99.9', share: 0.999, key: 'p999', samples: 1000 },
] as const;

function distributions(found: SimCase, { of }: Quantity): SimDistribution[] {
  return found.repetitions.flatMap(({ summary }) => summary[of] ?? []);
}

function latencyCdf(run: SimRun, quantity: Quantity): FigureSpec | null {
  const cases = casesOf(run).filter((found) => distributions(found, quantity).length > 0);
  if (cases.length === 0) return null;
  const objective = run.scenario.objectives[quantity.objective];
  const mark = objective === null ? [] : [{ x: objective, label: 'objective' }];
  return {
    id: quantity.id,
    mark: 'cdf',
    title: `${quantity.label}: the whole distribution`,
    x: { label: quantity.label, unit: 'ms', scale: isPositive(cases, quantity) ? 'log' : 'linear' },
    y: { label: 'Share of requests that took at most x', unit: 'share', scale: 'linear' },
    series: cases.map((found, colour) => curve(found, colour, quantity)),
    uprights: mark,
    definition: `${describeMetric(quantity.metric)} Markers: p50, p90, p95, p99 and p99.9, as far as one request in a hundred, or a thousand, is there.`,
    intervalMeaning: SEED_INTERVAL,
    finding: clausesOf(
      cases,
      (found) => clause(found, quantity, objective),
      (found) => overSeeds(distributions(found, quantity).map(({ p99 }) => p99))?.value ?? 0,
    ),
    ...simProvenance(run),
  };
}

/** A log axis shows no zero: a request of one token has a TPOT of 0. */
function isPositive(cases: readonly SimCase[], quantity: Quantity): boolean {
  return cases.every((found) => distributions(found, quantity).every(({ min }) => min > 0));
}

function curve(found: SimCase, colour: number, quantity: Quantity): FigureSeries {
  const all = distributions(found, quantity);
  const samples = all.reduce((sum, d) => sum + d.samples, 0);
  const points = MARKED.filter((mark) => samples >= mark.samples).flatMap(
    ({ label, share, key }): FigurePoint[] => {
      const estimate = overSeeds(all.map((d) => d[key]));
      if (estimate === null) return [];
      const { value, low, high } = estimate;
      const interval = low === undefined || high === undefined ? {} : { low: Math.max(0, low), high };
      return [{ x: value, y: share, label, n: samples, ...interval, ...exactness(all) }];
    },
  );
  const values = all.flatMap(({ quantiles }) => quantiles);
  return {
    id: found.label === '' ? quantity.of : found.label,
    label: found.label,
    colour,
    points,
    samples: [{ x: null, values }],
  };
}

function exactness(all: readonly SimDistribution[]): { detail?: string } {
  return all.every(({ exact }) => exact) ? {} : { detail: 'From a histogram of three digits.' };
}

/** Share of requests within the objective, read off the quantiles. */
export function shareWithin({ quantiles }: SimDistribution, limit: number): number | null {
  const last = quantiles.length - 1;
  if (last < 1) return null;
  const above = quantiles.findIndex((value) => value > limit);
  if (above < 0) return 1;
  if (above === 0) return 0;
  const [below, next] = [quantiles[above - 1] ?? 0, quantiles[above] ?? 0];
  return (above - 1 + (next > below ? (limit - below) / (next - below) : 0)) / last;
}

function clause(found: SimCase, quantity: Quantity, objective: number | null): string {
  const all = distributions(found, quantity);
  const read = (key: 'p50' | 'p99' | 'mean') =>
    formatValue(overSeeds(all.map((d) => d[key]))?.value ?? 0, 'ms');
  const name = found.label === '' ? quantity.short : `${found.label}: ${quantity.short}`;
  const samples = formatNumber(all.reduce((sum, d) => sum + d.samples, 0));
  const shares = objective === null ? [] : all.flatMap((d) => shareWithin(d, objective) ?? []);
  const within = overSeeds(shares);
  const met =
    objective === null || within === null
      ? ''
      : `; ${formatValue(within.value, 'share')} of ${samples} requests stay within ${formatValue(objective, 'ms')}`;
  return `${name} is ${read('p50')} at the median, ${read('mean')} on average and ${read('p99')} at p99${met}.`;
}
