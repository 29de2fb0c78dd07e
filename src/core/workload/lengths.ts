/** How long prompts and outputs are: draws of whole tokens from a distribution, bounded on both sides. */
import { exp, log, pow } from '../math.ts';
import type { Random } from '../random.ts';
import { normalQuantile } from '../special.ts';

export type Lengths =
  | { readonly kind: 'fixed'; readonly tokens: number }
  | { readonly kind: 'uniform'; readonly min: number; readonly max: number }
  /** Truncated to [min, max] by inversion, so that no mass piles up at the bounds. */
  | {
      readonly kind: 'lognormal';
      readonly mu: number;
      readonly sigma: number;
      readonly min: number;
      readonly max: number;
    }
  /** P(length = min + k) ∝ 1/(k+1)^exponent. */
  | { readonly kind: 'zipf'; readonly exponent: number; readonly min: number; readonly max: number }
  /** Straight lines between (probability, tokens) pairs from probability 0 to 1. */
  | { readonly kind: 'quantiles'; readonly points: readonly (readonly [number, number])[] };

/** Mean, median and 99th percentile of an untruncated lognormal. */
export function lognormalMoments(
  mu: number,
  sigma: number,
): { readonly mean: number; readonly median: number; readonly p99: number } {
  return {
    mean: exp(mu + (sigma * sigma) / 2),
    median: exp(mu),
    p99: exp(mu + sigma * normalQuantile(0.99)),
  };
}

/** A function that draws lengths. @throws RangeError where the distribution is empty or its points do not rise. */
export function lengthDraws(lengths: Lengths, random: Random): () => number {
  switch (lengths.kind) {
    case 'fixed':
      return () => lengths.tokens;
    case 'uniform': {
      const { min, max } = checkBounds(lengths);
      return () => min + random.below(max - min + 1);
    }
    case 'lognormal':
      return lognormalDraws(lengths, random);
    case 'zipf':
      return zipfDraws(lengths, random);
    case 'quantiles':
      return quantileDraws(lengths.points, random);
    default:
      return lengths satisfies never;
  }
}

function checkBounds<T extends { readonly min: number; readonly max: number }>(bounds: T): T {
  if (!(bounds.min >= 1 && bounds.max >= bounds.min)) {
    throw new RangeError(
      `Lengths from ${bounds.min} to ${bounds.max} tokens hold nothing; 1 ≤ min ≤ max is needed.`,
    );
  }
  return bounds;
}

/** Rejection from the untruncated distribution: exact, and quick while the bounds hold most of it. */
function lognormalDraws(lengths: Extract<Lengths, { kind: 'lognormal' }>, random: Random): () => number {
  const { mu, sigma, min, max } = checkBounds(lengths);
  const low = (log(min) - mu) / sigma;
  const high = (log(max) - mu) / sigma;
  if (low > 6 || high < -6) {
    throw new RangeError(
      `A lognormal with median ${Math.round(exp(mu))} has nothing between ${min} and ${max} tokens; widen the bounds.`,
    );
  }
  return () => {
    for (;;) {
      const z = random.normal();
      if (z >= low && z <= high) return Math.min(max, Math.max(min, Math.round(exp(mu + sigma * z))));
    }
  };
}

function zipfDraws(lengths: Extract<Lengths, { kind: 'zipf' }>, random: Random): () => number {
  const { min, max, exponent } = checkBounds(lengths);
  const cumulative = new Float64Array(max - min + 1);
  let sum = 0;
  for (let k = 0; k < cumulative.length; k++) cumulative[k] = sum += pow(k + 1, -exponent);
  return () => {
    const target = random.uniform() * sum;
    let [low, high] = [0, cumulative.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((cumulative[middle] ?? 0) > target) high = middle;
      else low = middle + 1;
    }
    return min + low;
  };
}

function quantileDraws(points: readonly (readonly [number, number])[], random: Random): () => number {
  const first = points[0];
  const last = points.at(-1);
  const rises = points.every(([p, tokens], i) => {
    const before = points[i - 1];
    return tokens >= 1 && (!before || (p > before[0] && tokens >= before[1]));
  });
  if (!first || !last || first[0] !== 0 || last[0] !== 1 || !rises) {
    throw new RangeError(
      'Quantiles must rise from probability 0 to probability 1, with 1 token or more at each.',
    );
  }
  return () => {
    const u = random.uniform();
    const at = Math.max(
      1,
      points.findIndex(([p]) => p >= u),
    );
    const [p0, t0] = points[at - 1] ?? first;
    const [p1, t1] = points[at] ?? last;
    return Math.max(1, Math.round(t0 + ((u - p0) / (p1 - p0)) * (t1 - t0)));
  };
}
