/** Latency by the setting that was swept: over the offered rate this is the curve that turns up at saturation. */
import { describeMetric, type MetricId } from '../../../core/metrics/definitions.ts';
import type { SimRun } from '../../../core/run/simulation.ts';
import type { FigureSpec } from '../../figure.ts';
import { formatLike, formatValue } from '../../format.ts';
import { isTie, overSeeds, SEED_INTERVAL } from './seeds.ts';
import { bySetting, numericAxis, placeOf, type Quantity } from './settings.ts';
import { casesOf, simProvenance, summaryValues, type SimCase, type SimLatency } from './subject.ts';
import type { Objective } from './within.ts';

interface Latency {
  readonly id: string;
  readonly title: string;
  readonly metric: MetricId;
  readonly of: SimLatency;
  readonly label: string;
  /** null: no objective is set for it. */
  readonly objective: Objective | null;
  /** What the percentiles are over. */
  readonly samples: string;
}

const TTFT: Latency = {
  id: 'sim_ttft_by_setting',
  title: 'Time to first token',
  metric: 'ttft',
  of: 'ttftMs',
  label: 'TTFT',
  objective: 'ttftMs',
  samples: 'requests',
};
const TPOT: Latency = {
  id: 'sim_tpot_by_setting',
  title: 'Time per output token',
  metric: 'tpot',
  of: 'tpotMs',
  label: 'TPOT',
  objective: 'tpotMs',
  samples: 'requests',
};
const E2E: Latency = {
  id: 'sim_e2e_by_setting',
  title: 'Request latency',
  metric: 'e2e',
  of: 'e2eMs',
  label: 'E2E',
  objective: 'e2eMs',
  samples: 'requests',
};
const ITL: Latency = {
  id: 'sim_itl_by_setting',
  title: 'Gap between tokens',
  metric: 'itl',
  of: 'itlMs',
  label: 'ITL',
  objective: null,
  samples: 'gaps',
};

export const ttftBySetting = (run: SimRun): FigureSpec | null => latencyBySetting(run, TTFT);
export const tpotBySetting = (run: SimRun): FigureSpec | null => latencyBySetting(run, TPOT);
export const itlBySetting = (run: SimRun): FigureSpec | null => latencyBySetting(run, ITL);
export const e2eBySetting = (run: SimRun): FigureSpec | null => latencyBySetting(run, E2E);

const PERCENTILES = ['p50', 'p95', 'p99'] as const;
type Percentile = (typeof PERCENTILES)[number];

const valuesAt = (found: SimCase, of: SimLatency, key: Percentile) =>
  summaryValues(found, (summary) => summary[of]?.[key] ?? null);

function latencyBySetting(run: SimRun, latency: Latency): FigureSpec | null {
  if (run.points.length < 2) return null;
  const quantities = PERCENTILES.map((key): Quantity => ({
    id: key,
    label: key,
    valuesOf: (found) => valuesAt(found, latency.of, key),
    missing: 'No request finished.',
  }));
  if (!casesOf(run).some((found) => valuesAt(found, latency.of, 'p99').length > 0)) return null;
  const { mark, x, series } = bySetting(run, quantities);
  const objective = latency.objective === null ? null : run.scenario.objectives[latency.objective];
  const overRate = numericAxis(run) === 'workload.arrivals.rate';
  const positive = series.every(({ points }) => points.every(({ y }) => y === null || y > 0));
  return {
    id: latency.id,
    mark,
    title: overRate ? `${latency.title} against the offered rate` : `${latency.title} by setting`,
    x,
    y: { label: latency.label, unit: 'ms', scale: mark === 'line' && positive ? 'log' : 'linear' },
    series,
    ...(objective === null ? {} : { references: [{ y: objective, label: 'objective' }] }),
    definition: `${describeMetric(latency.metric)} p50, p95 and p99 over the ${latency.samples} of a point.`,
    intervalMeaning: SEED_INTERVAL,
    finding: overRate ? kneeSentence(run, latency, objective) : bestSentence(run, latency, objective),
    ...simProvenance(run),
  };
}

/** Where the tail leaves the objective: the last rate that keeps it. */
function kneeSentence(run: SimRun, latency: Latency, objective: number | null): string {
  const path = 'workload.arrivals.rate';
  const points = casesOf(run)
    .flatMap((found) => {
      const rate = found.settings[path];
      const tail = overSeeds(valuesAt(found, latency.of, 'p99'))?.value;
      return typeof rate === 'number' && tail !== undefined ? [{ rate, tail }] : [];
    })
    .toSorted((a, b) => a.rate - b.rate);
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return 'No rate has a finished request.';
  const longest = Math.max(...points.map(({ tail }) => tail), objective ?? 0);
  const shown = (ms: number) => formatLike(ms, 'ms', longest);
  const spread = `p99 ${latency.label} ${movedWords(first.tail, last.tail)} from ${shown(first.tail)} at ${formatValue(first.rate, 'req/s')} to ${shown(last.tail)} at ${formatValue(last.rate, 'req/s')}`;
  if (objective === null) return `${spread}.`;
  const limit = shown(objective);
  const kept = points.filter(({ tail }) => tail <= objective).at(-1);
  if (kept === undefined) return `${spread}; no rate here keeps it within ${limit}.`;
  const most = formatValue(kept.rate, 'req/s');
  return kept === last
    ? `${spread}; every rate up to ${most} keeps it within ${limit}.`
    : `${spread}; ${most} is the highest rate here that keeps it within ${limit}.`;
}

function movedWords(from: number, to: number): string {
  if (to > from) return 'grows';
  return to < from ? 'falls' : 'stays';
}

function bestSentence(run: SimRun, { of, label }: Latency, objective: number | null): string {
  const path = numericAxis(run);
  const found = casesOf(run).flatMap((point) => {
    const tail = overSeeds(valuesAt(point, of, 'p99'));
    return tail === null ? [] : [{ place: placeOf(point, path), tail }];
  });
  const sorted = found.toSorted((a, b) => a.tail.value - b.tail.value);
  const [best, worst] = [sorted[0], sorted.at(-1)];
  if (best === undefined || worst === undefined) return 'No point has a finished request.';
  const longest = Math.max(worst.tail.value, objective ?? 0);
  const shown = (ms: number) => formatLike(ms, 'ms', longest);
  const [least, most] = [best.tail.value, worst.tail.value];
  if (best === worst) return `p99 ${label} is ${shown(least)} with ${best.place}.`;
  if (isTie(best.tail, worst.tail)) {
    return `p99 ${label} is equal at all ${found.length} points, ${shown(least)} to ${shown(most)} (within 1\u00a0% or their intervals overlap).`;
  }
  const ratio = least > 0 ? `, ${formatValue(most / least, 'ratio')} as long` : '';
  return `p99 ${label} is shortest with ${best.place}, ${shown(least)}, and longest with ${worst.place}, ${shown(most)}${ratio}.`;
}
