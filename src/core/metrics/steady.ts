/** Steady state: where a warm-up ends, and the error of a mean over correlated samples. */
import { mean, standardDeviation } from './percentiles.ts';

function batches(samples: readonly number[], size: number): number[] {
  const count = Math.floor(samples.length / size);
  return Array.from({ length: count }, (_, i) => mean(samples.slice(i * size, (i + 1) * size)));
}

/**
 * Samples to drop at the start: MSER-5 (White and Spratt 2000), which minimises the squared standard error of what
 * remains, over means of five, and looks at the first half only. A result near half the samples means: run longer.
 */
export function mser5Truncation(samples: readonly number[]): number {
  const means = batches(samples, 5);
  let [best, bestScore] = [0, Infinity];
  for (let d = 0; d <= Math.floor(means.length / 2) && d < means.length; d++) {
    const rest = means.slice(d);
    const centre = mean(rest);
    const squares = rest.reduce((sum, y) => sum + (y - centre) * (y - centre), 0);
    const score = squares / (rest.length * rest.length);
    if (score < bestScore) [best, bestScore] = [d, score];
  }
  return best * 5;
}

export interface BatchMeans {
  readonly means: readonly number[];
  readonly grand: number;
  /** Standard error of the grand mean. */
  readonly se: number;
}

/** Means of `count` equal batches in order, and the standard error they give; a remainder at the end is dropped. */
export function batchMeans(samples: readonly number[], count: number): BatchMeans {
  if (count < 2 || samples.length < count) {
    throw new RangeError(
      `${samples.length} samples make no ${count} batches; two batches at least are needed.`,
    );
  }
  const means = batches(samples, Math.floor(samples.length / count)).slice(0, count);
  return { means, grand: mean(means), se: standardDeviation(means) / Math.sqrt(means.length) };
}
