/** Percentiles of samples, by the two conventions of the field. `p` is in percent. */

function sorted(samples: readonly number[]): number[] {
  return [...samples].sort((a, b) => a - b);
}

function at(values: ArrayLike<number>, index: number): number {
  const value = values[index];
  if (value === undefined) throw new RangeError(`There is no sample ${index} among ${values.length}.`);
  return value;
}

function checkPercent(p: number): void {
  if (!(p >= 0 && p <= 100)) throw new RangeError(`The percentile is ${p}; 0 to 100 is needed.`);
}

/** Percentile of sorted samples: linear between ranks at (n − 1)·p, numpy's default. @throws RangeError without samples. */
export function percentileOfSorted(samples: ArrayLike<number>, p: number): number {
  checkPercent(p);
  const position = ((samples.length - 1) * p) / 100;
  const below = Math.floor(position);
  const low = at(samples, below);
  if (position === below) return low;
  return low + (at(samples, below + 1) - low) * (position - below);
}

/** Percentile by numpy's linear rule. */
export function percentileLinear(samples: readonly number[], p: number): number {
  return percentileOfSorted(sorted(samples), p);
}

/** Smallest sample that at least p percent of the samples do not exceed: rank ⌈p·n⌉. */
export function percentileNearestRank(samples: readonly number[], p: number): number {
  checkPercent(p);
  const rank = Math.max(1, Math.ceil((p * samples.length) / 100));
  return at(sorted(samples), rank - 1);
}

export function median(samples: readonly number[]): number {
  return percentileLinear(samples, 50);
}

export function mean(samples: readonly number[]): number {
  return samples.reduce((sum, x) => sum + x, 0) / samples.length;
}

/** Standard deviation with n − 1. */
export function standardDeviation(samples: readonly number[]): number {
  const m = mean(samples);
  return Math.sqrt(samples.reduce((sum, x) => sum + (x - m) * (x - m), 0) / (samples.length - 1));
}

/** Samples needed to have `tailPoints` beyond the percentile. */
export function minSamplesForTail(p: number, tailPoints = 10): number {
  // (1 − p) of p = 0.99 is not exact; the quotient is rounded before it is rounded up.
  return Math.ceil(Number((tailPoints / (1 - p)).toPrecision(12)));
}
