/**
 * Summary of a run: computed from its raw samples whenever it is needed, never stored, so that an old run gains each
 * new statistic.
 *
 * An estimate that the samples can't carry is null and says why. Intervals are 95 %: over repetitions by bootstrap,
 * which is seeded by the scenario, so that the same run shows the same digits everywhere.
 */
import { createRandom, type Random } from '../random.ts';
import type { LabRun, Point } from '../run/schema.ts';
import { detectDrift, type Drift } from './drift.ts';
import {
  canBoundQuantile,
  clusterPercentileIntervals,
  quantileInterval,
  samplesToBound,
} from './intervals.ts';
import type { Interval } from './intervals.ts';
import { mean, median, minSamplesForTail, percentileOfSorted } from './percentiles.ts';
import { isFinished, type Objectives } from './requests.ts';
import {
  DISTRIBUTION_IDS,
  distributionSamples,
  hasRepetitions,
  SCALAR_IDS,
  scalarSamples,
  type DistributionId,
  type ScalarId,
} from './samples.ts';

export interface Estimate {
  readonly value: number | null;
  /** null where the samples can't carry one. */
  readonly interval: Interval | null;
  /** Samples behind the value. */
  readonly samples: number;
  /** Why value or interval is missing, or how rough they are; null where there is nothing to say. */
  readonly reason: string | null;
}

export const PERCENTS = [50, 90, 95, 99, 99.9] as const;
export type Percent = (typeof PERCENTS)[number];

export interface Distribution {
  readonly samples: number;
  readonly mean: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly percentiles: Readonly<Record<Percent, Estimate>>;
}

export interface PointSummary {
  readonly settings: Point['settings'];
  readonly status: Point['status'];
  readonly reason: string | null;
  readonly variant: string;
  readonly repetitions: number;
  readonly finishedRequests: number;
  /** Failed or cut short. */
  readonly failedRequests: number;
  /** Median over repetitions. */
  readonly scalars: Readonly<Record<ScalarId, Estimate>>;
  readonly distributions: Readonly<Record<DistributionId, Distribution>>;
}

export interface RunSummary {
  readonly runId: string;
  readonly points: readonly PointSummary[];
  readonly drift: Drift | null;
}

function missing(reason: string): Estimate {
  return { value: null, interval: null, samples: 0, reason };
}

/** What to know about an interval from few repetitions: even their whole range holds the median only so often. */
export function fewRepetitions(n: number): string | null {
  if (n < 3) return 'No interval: at least 3 repetitions are needed.';
  const coverage = 1 - 2 / (1 << Math.min(n, 30));
  if (coverage >= 0.95) return null;
  return `Rough: the interval of ${n} repetitions holds the median at most ${Math.floor(100 * coverage)} times of 100.`;
}

/** Median of one value a repetition, with a bootstrap interval. */
export function medianEstimate(values: readonly number[], random: Random): Estimate {
  if (values.length === 0) return missing('Nothing was measured.');
  const [interval = null] = clusterPercentileIntervals(
    values.map((value) => [value]),
    [50],
    random,
  );
  return {
    value: median(values),
    interval,
    samples: values.length,
    reason: fewRepetitions(values.length),
  };
}

function tooFew(n: number, percent: number): string {
  return `${n} samples can’t bound p${percent}; at least ${samplesToBound(percent / 100)} are needed.`;
}

function rough(n: number, percent: number): string | null {
  const wanted = minSamplesForTail(percent / 100);
  return n < wanted ? `Rough: ${n} samples; ${wanted} leave ten beyond p${percent}.` : null;
}

/**
 * Percentiles of samples grouped by repetition. A percentile is given when the samples can bound it on both sides.
 * Intervals draw whole repetitions again; with fewer than three, samples count as independent and order statistics bound.
 */
export function percentileEstimates(
  clusters: readonly (readonly number[])[],
  random: Random,
): Record<Percent, Estimate> {
  const sorted = clusters.flat().sort((a, b) => a - b);
  const clustered = clusterPercentileIntervals(clusters, PERCENTS, random, 400);
  const estimate = (percent: Percent, index: number): Estimate => {
    const samples = sorted.length;
    if (samples === 0) return missing('Nothing was measured.');
    if (!canBoundQuantile(samples, percent / 100)) return { ...missing(tooFew(samples, percent)), samples };
    const interval = clustered[index] ?? quantileInterval(sorted, percent / 100);
    return { value: percentileOfSorted(sorted, percent), interval, samples, reason: rough(samples, percent) };
  };
  const [p50, p90, p95, p99, p999] = PERCENTS.map(estimate);
  const none = missing('Nothing was measured.');
  return { 50: p50 ?? none, 90: p90 ?? none, 95: p95 ?? none, 99: p99 ?? none, 99.9: p999 ?? none };
}

function distribution(clusters: readonly (readonly number[])[], random: Random): Distribution {
  const all = clusters.flat();
  const percentiles = percentileEstimates(clusters, random);
  if (all.length === 0) return { samples: 0, mean: null, min: null, max: null, percentiles };
  const [min, max] = all.reduce(
    ([low, high], x) => [Math.min(low, x), Math.max(high, x)],
    [Infinity, -Infinity],
  );
  return { samples: all.length, mean: mean(all), min: min ?? null, max: max ?? null, percentiles };
}

function record<Id extends string, T>(ids: readonly Id[], of: (id: Id) => T): Record<Id, T> {
  return Object.fromEntries(ids.map((id) => [id, of(id)])) as Record<Id, T>;
}

/** Summary of one point. */
export function summarizePoint(point: Point, objectives: Objectives, random: Random): PointSummary {
  const { settings, status, reason, variant, repetitions } = point;
  const requests = hasRepetitions(point) ? repetitions.flatMap((repetition) => repetition.requests) : [];
  const finished = requests.filter(isFinished).length;
  return {
    settings,
    status,
    reason,
    variant,
    repetitions: hasRepetitions(point) ? repetitions.length : 0,
    finishedRequests: finished,
    failedRequests: requests.length - finished,
    scalars: record(SCALAR_IDS, (id) => {
      if (!hasRepetitions(point)) return missing(reason ?? 'The point did not run.');
      return medianEstimate(scalarSamples(point, id, objectives), random.fork(id));
    }),
    distributions: record(DISTRIBUTION_IDS, (id) =>
      distribution(distributionSamples(point, id), random.fork(id)),
    ),
  };
}

/** Summary of a run. Costs some milliseconds a point: call it from a worker for long runs, or point by point. */
export function summarizeRun(run: LabRun): RunSummary {
  const random = createRandom(run.scenario.seed);
  const { objectives } = run.scenario;
  return {
    runId: run.id,
    points: run.points.map((point, i) => summarizePoint(point, objectives, random.fork(i))),
    drift: detectDrift(run.points),
  };
}
