/** Intervals around statistics: order statistics, seeded bootstrap, cluster bootstrap. All 95 % unless told. */
import { log } from '../math.ts';
import type { Random } from '../random.ts';
import { binomialCdf, normalCdf, studentQuantile } from '../special.ts';
import { percentileOfSorted } from './percentiles.ts';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

export interface RankInterval {
  /** 1-based ranks: the interval is [X(lowerRank), X(upperRank)). */
  readonly lowerRank: number;
  readonly upperRank: number;
  readonly coverage: number;
}

/** Smallest k with P(X ≤ k) ≥ target. */
function quantileOf(cdf: readonly number[], target: number): number {
  const k = cdf.findIndex((p) => p >= target);
  return k < 0 ? cdf.length - 1 : k;
}

/**
 * Distribution-free interval of a quantile from order statistics of n independent samples.
 * Ranks above n mean that n samples can't bound the quantile.
 */
export function quantileRanks(n: number, p: number, confidence = 0.95): RankInterval {
  const cdf = binomialCdf(n, p);
  const tail = (1 - confidence) / 2;
  const lowerRank = quantileOf(cdf, tail);
  const upperRank = quantileOf(cdf, 1 - tail) + 1;
  return { lowerRank, upperRank, coverage: (cdf[upperRank - 1] ?? 1) - (cdf[lowerRank - 1] ?? 0) };
}

/**
 * Fewest independent samples that bound the quantile p on both sides with 95 % confidence: both ranks within 1…n, which
 * is so when all samples lie on one side of it with a chance of at most 2.5 %.
 */
export function samplesToBound(p: number): number {
  return Math.ceil(log(0.025) / log(Math.max(p, 1 - p)));
}

export function canBoundQuantile(n: number, p: number): boolean {
  return n >= samplesToBound(p);
}

/** Interval of a quantile of sorted independent samples, or null when they are too few to bound it. */
export function quantileInterval(sorted: readonly number[], p: number, confidence = 0.95): Interval | null {
  const { lowerRank, upperRank } = quantileRanks(sorted.length, p, confidence);
  const low = sorted[lowerRank - 1];
  const high = sorted[upperRank - 1];
  return low === undefined || high === undefined ? null : { low, high };
}

/**
 * Share to cut off each end of a bootstrap's statistics for n items. The plain share (1 − confidence)/2 gives intervals
 * that are too narrow for few items; the expanded percentile interval corrects by Student's t and √(n/(n−1)):
 * Hesterberg, What Teachers Should Know about the Bootstrap, 2014, arXiv:1411.5279, section 5.3.
 */
export function expandedTail(n: number, confidence = 0.95): number {
  const tail = (1 - confidence) / 2;
  if (n < 2) return 0;
  if (n > 1000) return tail;
  return normalCdf(Math.sqrt(n / (n - 1)) * studentQuantile(tail, n - 1));
}

/** What lies between the two tails of a bootstrap's statistics. @throws RangeError without statistics. */
export function percentileInterval(statistics: readonly number[], tail = 0.025): Interval {
  const sorted = Float64Array.from(statistics).sort();
  return { low: percentileOfSorted(sorted, 100 * tail), high: percentileOfSorted(sorted, 100 - 100 * tail) };
}

export const RESAMPLES = 1000;

function resample<T>(items: readonly T[], random: Random): T[] {
  const drawn: T[] = [];
  for (let i = 0; i < items.length; i++) {
    const item = items[random.below(items.length)];
    if (item !== undefined) drawn.push(item);
  }
  return drawn;
}

/**
 * Bootstrap interval (expanded percentile) of a statistic over items (samples, or whole repetitions); null for fewer than three items, from
 * which no spread can be learned.
 */
export function bootstrapInterval<T>(
  items: readonly T[],
  statistic: (resampled: readonly T[]) => number,
  random: Random,
  resamples = RESAMPLES,
): Interval | null {
  if (items.length < 3) return null;
  const statistics = Array.from({ length: resamples }, () => statistic(resample(items, random)));
  return finiteInterval(statistics, items.length);
}

/** The expanded interval of the statistics that are numbers; null when none is. */
function finiteInterval(statistics: readonly number[], items: number): Interval | null {
  const finite = statistics.filter(Number.isFinite);
  return finite.length === 0 ? null : percentileInterval(finite, expandedTail(items));
}

/**
 * Intervals of percentiles of clustered samples: whole clusters (repetitions) are drawn again, because samples inside
 * one are not independent. The samples are sorted once and counted with weights, so that thousands stay quick.
 * @param percents percentiles in percent, ascending
 */
export function clusterPercentileIntervals(
  clusters: readonly (readonly number[])[],
  percents: readonly number[],
  random: Random,
  resamples = RESAMPLES,
): (Interval | null)[] {
  if (clusters.length < 3) return percents.map(() => null);
  const samples = clusters.flatMap((values, cluster) => values.map((value) => ({ value, cluster })));
  samples.sort((a, b) => a.value - b.value);
  const values = Float64Array.from(samples, ({ value }) => value);
  const owners = Uint16Array.from(samples, ({ cluster }) => cluster);
  const weights = new Uint16Array(clusters.length);
  const found: number[][] = percents.map(() => []);
  for (let i = 0; i < resamples; i++) {
    weights.fill(0);
    let total = 0;
    for (let k = 0; k < clusters.length; k++) {
      const drawn = random.below(clusters.length);
      weights[drawn] = (weights[drawn] ?? 0) + 1;
      total += clusters[drawn]?.length ?? 0;
    }
    weightedPercentiles(values, owners, weights, total, percents).forEach((value, j) =>
      found[j]?.push(value),
    );
  }
  return found.map((statistics) => finiteInterval(statistics, clusters.length));
}

/** numpy's linear percentiles of the values, each repeated as its cluster's weight says: `total` values in all. */
function weightedPercentiles(
  values: Float64Array,
  owners: Uint16Array,
  weights: Uint16Array,
  total: number,
  percents: readonly number[],
): number[] {
  const result: number[] = [];
  let passed = 0;
  let i = -1;
  for (const p of percents) {
    const position = ((total - 1) * p) / 100;
    const rank = Math.floor(position);
    while (i < values.length - 1 && passed <= rank) {
      i++;
      passed += weights[owners[i] ?? 0] ?? 0;
    }
    const low = values[i] ?? NaN;
    const high = position > rank && passed <= rank + 1 ? nextValue(values, owners, weights, i) : low;
    result.push(low + (high - low) * (position - rank));
  }
  return result;
}

function nextValue(values: Float64Array, owners: Uint16Array, weights: Uint16Array, i: number): number {
  let next = i + 1;
  while (next < values.length && (weights[owners[next] ?? 0] ?? 0) === 0) next++;
  return values[next] ?? values[i] ?? NaN;
}
