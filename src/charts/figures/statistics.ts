/** The estimates of core/metrics as figures use them: seeded, so that every screen shows the same digits. */
import type { MetricId } from '../../core/metrics/definitions.ts';
import { ratioOf } from '../../core/metrics/compare.ts';
import type { Interval } from '../../core/metrics/intervals.ts';
import * as summarize from '../../core/metrics/summarize.ts';
import type { Estimate, Percent } from '../../core/metrics/summarize.ts';
import { createRandom, type Random } from '../../core/random.ts';

export type { Estimate, Percent };
export { PERCENTS } from '../../core/metrics/summarize.ts';

/** One list of samples a repetition. */
export type Clusters = readonly (readonly number[])[];

export const INTERVAL_MEANING = '95\u00a0% bootstrap interval, repetitions drawn again';

const SEED = 20260101;

export function seeded(): Random {
  return createRandom(SEED);
}

/** Median of values of which each repetition gave one. */
export function medianEstimate(values: readonly number[]): Estimate {
  return summarize.medianEstimate(values, seeded());
}

/** Percentiles of all samples together; null where the samples cannot bound one. */
export function percentileEstimates(clusters: Clusters): Record<Percent, Estimate> {
  return summarize.percentileEstimates(clusters, seeded());
}

/** Ratio of the medians b / a of values of which each repetition gave one; null when either has none. */
export function medianRatio(metric: MetricId, a: readonly number[], b: readonly number[]): Estimate | null {
  const { ratio, interval, reason } = ratioOf(metric, a, b, seeded());
  return ratio === null ? null : { value: ratio, interval, samples: Math.min(a.length, b.length), reason };
}

/** A fit's number with the interval that the fit gave; `samples` counts observations. */
export function fitted(value: number, interval: Interval | null, samples: number): Estimate {
  return { value, interval, samples, reason: null };
}
