/**
 * Where values no longer fit: a histogram of three significant digits (HdrHistogram, Gil Tene), in a library's hands.
 *
 * Values are milliseconds here and whole nanoseconds inside: 0 and everything up to 104 days. Two values that share
 * their first three digits count as one.
 */
import imported from 'hdr-histogram-js/dist/Float64Histogram.js';

type HistogramClass = typeof imported;
/** A CommonJS default export comes bare from a bundler and wrapped by Node. */
const Float64Histogram = (imported as HistogramClass & { default?: HistogramClass }).default ?? imported;

const NS_PER_MS = 1e6;
const DIGITS = 3;

export interface MsHistogram {
  /** Counts `weight` values of `ms`. @throws Error for a negative value */
  record(ms: number, weight: number): void;
  /** Smallest value that `percent` of the values do not exceed, to three digits. */
  atPercent(percent: number): number;
}

export function createMsHistogram(): MsHistogram {
  const histogram = new Float64Histogram(1, Number.MAX_SAFE_INTEGER, DIGITS);
  return {
    record: (ms, weight) => histogram.recordValueWithCount(Math.round(ms * NS_PER_MS), weight),
    atPercent: (percent) => histogram.getValueAtPercentile(percent) / NS_PER_MS,
  };
}
