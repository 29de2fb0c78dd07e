/** Distributions out of a file's own samples: the percentiles that a tool did not write, by numpy's linear rule. */
import { mean, percentileOfSorted } from '../../core/metrics/percentiles.ts';
import { NO_DISTRIBUTION, type MeasuredDistribution } from '../../core/run/measured.ts';

/** Of values in one unit; nothing of no values. */
export function distributionOfSamples(values: readonly number[], scale = 1): MeasuredDistribution {
  const known = values.filter((value) => Number.isFinite(value) && value >= 0).map((value) => value * scale);
  if (known.length === 0) return NO_DISTRIBUTION;
  const sorted = known.toSorted((a, b) => a - b);
  const at = (percent: number): number => percentileOfSorted(sorted, percent);
  return { mean: mean(known), p50: at(50), p90: at(90), p95: at(95), p99: at(99) };
}

/**
 * What the tool reported, and from the samples what it did not. Where the two contradict each other (a percentile below a
 * smaller one), the samples were counted otherwise than the tool counted, and only what it reported stays.
 */
export function completed(
  reported: MeasuredDistribution,
  samples: MeasuredDistribution,
): MeasuredDistribution {
  const both = {
    mean: reported.mean ?? samples.mean,
    p50: reported.p50 ?? samples.p50,
    p90: reported.p90 ?? samples.p90,
    p95: reported.p95 ?? samples.p95,
    p99: reported.p99 ?? samples.p99,
  };
  const rising = [both.p50, both.p90, both.p95, both.p99].filter((value) => value !== null);
  return rising.every((value, at) => at === 0 || value >= (rising[at - 1] ?? 0)) ? both : reported;
}
