/**
 * Estimates that figures show: a value with its interval, or a value alone when there are too few repetitions for one.
 * Samples come in clusters, one a repetition; intervals draw whole repetitions again (core/metrics/intervals).
 */
import {
  clusterPercentileIntervals,
  percentileInterval,
  RESAMPLES,
  type Interval,
} from '../../core/metrics/intervals.ts';
import { percentileLinear } from '../../core/metrics/percentiles.ts';
import { createRandom, type Random } from '../../core/random.ts';

export interface Estimate {
  readonly value: number;
  /** Both or neither. */
  readonly low: number | null;
  readonly high: number | null;
  /** Samples behind the value. */
  readonly n: number;
}

export type Clusters = readonly (readonly number[])[];

export const INTERVAL_MEANING = '95 % bootstrap interval of the median, repetitions drawn again';
/** Fewer repetitions than this say nothing about their own spread. */
const MIN_REPETITIONS = 3;
/** Any seed does; a fixed one gives the same digits on every screen. */
const SEED = 20260101;

export function seeded(): Random {
  return createRandom(SEED);
}

/** numpy's linear percentile with p in 0…1; null without samples. */
export function quantile(values: readonly number[], p: number): number | null {
  return values.length === 0 ? null : percentileLinear(values, 100 * p);
}

/** Quantiles (ascending) of all samples together. */
export function clusterQuantiles(clusters: Clusters, ps: readonly number[]): (Estimate | null)[] {
  const filled = clusters.filter((values) => values.length > 0);
  const all = filled.flat();
  if (all.length === 0) return ps.map(() => null);
  const percents = ps.map((p) => 100 * p);
  const intervals = clusterPercentileIntervals(filled, percents, seeded());
  return ps.map((p, i) => {
    const { low, high } = intervals[i] ?? { low: null, high: null };
    return { value: quantile(all, p) ?? 0, low, high, n: all.length };
  });
}

/** Median of all samples together. */
export function clusterMedian(clusters: Clusters): Estimate | null {
  return clusterQuantiles(clusters, [0.5])[0] ?? null;
}

/** Median of values of which each repetition gave one. */
export function medianEstimate(values: readonly number[]): Estimate | null {
  return clusterMedian(values.map((value) => [value]));
}

/** Each repetition's own median: what a ratio or a fit resamples. */
export function repetitionMedians(clusters: Clusters): number[] {
  return clusters.flatMap((values) => quantile(values, 0.5) ?? []);
}

export type Statistic = (groups: Clusters) => number | null;

/** Percentile bootstrap of a statistic of independent groups, one value a repetition, each resampled by itself. */
export function estimate(groups: Clusters, statistic: Statistic): Estimate | null {
  const value = statistic(groups);
  if (value === null || !Number.isFinite(value)) return null;
  const n = groups.reduce((least, group) => Math.min(least, group.length), Infinity);
  if (n < MIN_REPETITIONS) return { value, low: null, high: null, n };
  const random = seeded();
  const draw = () =>
    statistic(groups.map((group) => group.map(() => group[random.below(group.length)] ?? 0)));
  const draws = Array.from({ length: RESAMPLES }, draw).filter(
    (x): x is number => x !== null && Number.isFinite(x),
  );
  return { value, ...percentileInterval(draws), n };
}

/** A fit's number with the interval that the fit gave; n counts observations. */
export function fitted(value: number, interval: Interval | null, n: number): Estimate {
  return { value, low: interval?.low ?? null, high: interval?.high ?? null, n };
}

/** Ratio of the medians b / a of values of which each repetition gave one. */
export function medianRatio(a: readonly number[], b: readonly number[]): Estimate | null {
  return estimate([a, b], ([first, second]) => {
    const base = quantile(first ?? [], 0.5);
    const other = quantile(second ?? [], 0.5);
    return base === null || other === null || base === 0 ? null : other / base;
  });
}
