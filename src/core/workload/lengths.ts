/** How long prompts and outputs are: draws of whole tokens from a distribution, bounded on both sides. */
import { exp, log, pow } from '../math.ts';
import type { Random } from '../random.ts';
import { normalCdf, normalQuantile } from '../special.ts';

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
  | { readonly kind: 'quantiles'; readonly points: readonly (readonly [number, number])[] }
  /** One of several lengths, by weight. */
  | {
      readonly kind: 'mixture';
      readonly parts: readonly { readonly weight: number; readonly tokens: number }[];
    };

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
    case 'mixture':
      return mixtureDraws(lengths.parts, random);
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

/**
 * Rejection from the untruncated distribution while the bounds hold most of it, inversion where they hold little: both
 * exact.
 */
function lognormalDraws(lengths: Extract<Lengths, { kind: 'lognormal' }>, random: Random): () => number {
  const { mu, sigma, min, max } = checkBounds(lengths);
  if (min === max) return () => min;
  const low = (log(min) - mu) / sigma;
  const high = (log(max) - mu) / sigma;
  const below = normalCdf(low);
  const mass = normalCdf(high) - below;
  if (low > 6 || high < -6 || !(mass > 0)) {
    throw new RangeError(
      `A lognormal with median ${Math.round(exp(mu))} has nothing between ${min} and ${max} tokens; widen the bounds.`,
    );
  }
  const tokens = (z: number) => Math.min(max, Math.max(min, Math.round(exp(mu + sigma * z))));
  if (mass < 0.5) return () => tokens(normalQuantile(below + mass * random.uniform()));
  return () => {
    for (;;) {
      const z = random.normal();
      if (z >= low && z <= high) return tokens(z);
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

function mixtureDraws(parts: Extract<Lengths, { kind: 'mixture' }>['parts'], random: Random): () => number {
  const sum = parts.reduce((total, { weight }) => total + weight, 0);
  const last = parts.at(-1);
  if (!last || !(sum > 0)) throw new RangeError('A mixture needs a part with a weight above 0.');
  return () => {
    let target = random.uniform() * sum;
    return (parts.find(({ weight }) => (target -= weight) < 0) ?? last).tokens;
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

/** The shortest and the longest length that a distribution can give. */
export function lengthRange(lengths: Lengths): { readonly min: number; readonly max: number } {
  switch (lengths.kind) {
    case 'fixed':
      return { min: lengths.tokens, max: lengths.tokens };
    case 'uniform':
    case 'lognormal':
    case 'zipf':
      return { min: lengths.min, max: lengths.max };
    case 'quantiles':
    case 'mixture': {
      const tokens =
        lengths.kind === 'mixture'
          ? lengths.parts.map((part) => part.tokens)
          : lengths.points.map(([, n]) => n);
      return { min: Math.min(...tokens), max: Math.max(...tokens) };
    }
    default:
      return lengths satisfies never;
  }
}
