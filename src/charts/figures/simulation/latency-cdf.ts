/** The whole distribution of one latency for each point of the run, beside its objective. */
import { describeMetric, type MetricId } from '../../../core/metrics/definitions.ts';
import type { SimDistribution, SimRun } from '../../../core/run/simulation.ts';
import type { FigurePoint, FigureSeries, FigureSpec } from '../../figure.ts';
import { formatLike } from '../../format.ts';
import { overSeeds, SEED_INTERVAL } from './seeds.ts';
import { casesOf, clausesOf, simProvenance, type SimCase, type SimLatency } from './subject.ts';
import { withinObjective, withinWords, type Objective } from './within.ts';

interface Quantity {
  readonly id: string;
  readonly metric: MetricId;
  readonly of: SimLatency;
  readonly short: string;
  readonly label: string;
  /** null: no objective is set for it. */
  readonly objective: Objective | null;
  /** What one sample is, and the words for several. */
  readonly samples: string;
}

const TTFT: Quantity = {
  id: 'sim_ttft_cdf',
  metric: 'ttft',
  of: 'ttftMs',
  short: 'TTFT',
  label: 'Time to first token',
  objective: 'ttftMs',
  samples: 'requests',
};
const TPOT: Quantity = {
  id: 'sim_tpot_cdf',
  metric: 'tpot',
  of: 'tpotMs',
  short: 'TPOT',
  label: 'Time per output token',
  objective: 'tpotMs',
  samples: 'requests',
};
const E2E: Quantity = {
  id: 'sim_e2e_cdf',
  metric: 'e2e',
  of: 'e2eMs',
  short: 'E2E',
  label: 'Request latency',
  objective: 'e2eMs',
  samples: 'requests',
};
const ITL: Quantity = {
  id: 'sim_itl_cdf',
  metric: 'itl',
  of: 'itlMs',
  short: 'ITL',
  label: 'Gap between tokens',
  objective: null,
  samples: 'gaps',
};

export const ttftCdf = (run: SimRun): FigureSpec | null => latencyCdf(run, TTFT);
export const tpotCdf = (run: SimRun): FigureSpec | null => latencyCdf(run, TPOT);
export const itlCdf = (run: SimRun): FigureSpec | null => latencyCdf(run, ITL);
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
  const objective = quantity.objective === null ? null : run.scenario.objectives[quantity.objective];
  const slowest = cases.flatMap((found) => distributions(found, quantity).map(({ max }) => max));
  const longest = Math.max(...slowest, objective ?? 0);
  const mark = objective === null ? [] : [{ x: objective, label: 'objective' }];
  return {
    id: quantity.id,
    mark: 'cdf',
    title: `${quantity.label}: the whole distribution`,
    x: { label: quantity.label, unit: 'ms', scale: isPositive(cases, quantity) ? 'log' : 'linear' },
    y: { label: `Share of ${quantity.samples} that took at most x`, unit: 'share', scale: 'linear' },
    series: cases.map((found, colour) => curve(found, colour, quantity)),
    uprights: mark,
    definition: `${describeMetric(quantity.metric)} Markers: p50, p90, p95, p99 and p99.9, as far as one in a hundred, or a thousand, is there.`,
    intervalMeaning: SEED_INTERVAL,
    finding: clausesOf(
      cases,
      (found) => clause(found, quantity, objective, longest),
      (found) => overSeeds(distributions(found, quantity).map(({ p99 }) => p99))?.value ?? 0,
    ),
    ...simProvenance(run),
  };
}

/** A log axis shows no zero: a gap within one step is 0. */
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

function clause(found: SimCase, quantity: Quantity, objective: number | null, longest: number): string {
  const all = distributions(found, quantity);
  const shown = (ms: number) => formatLike(ms, 'ms', longest);
  const read = (key: 'p50' | 'p99' | 'mean') => shown(overSeeds(all.map((d) => d[key]))?.value ?? 0);
  const name = found.label === '' ? quantity.short : `${found.label}: ${quantity.short}`;
  return `${name} is ${read('p50')} at the median, ${read('mean')} on average and ${read('p99')} at p99${keptWords(found, quantity, objective, shown)}.`;
}

function keptWords(
  found: SimCase,
  quantity: Quantity,
  objective: number | null,
  shown: (ms: number) => string,
): string {
  if (objective === null || quantity.objective === null) return '';
  const within = withinObjective(found.repetitions, quantity.objective, objective);
  return within === null ? '' : `; ${withinWords(within)} stay within ${shown(objective)}`;
}
