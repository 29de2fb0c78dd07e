/** Ranking with a fixed order of ties: what every policy and the top-k kernel share. */
import type { ProtectedTokens } from './policy.ts';

/** `[from, to)` */
export function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
}

/** Indices of the `count` highest scores within [from, to), ascending; ties go to the lower index, NaN ranks lowest. */
export function topIndices(scores: ArrayLike<number>, count: number, from = 0, to = scores.length): number[] {
  const rank = (index: number) => {
    const score = scores[index] ?? NaN;
    return Number.isNaN(score) ? -Infinity : score;
  };
  const order = range(from, to).sort((a, b) => compare(rank(b), rank(a)) || a - b);
  return order.slice(0, Math.max(0, count)).sort((a, b) => a - b);
}

// A difference of two infinities is NaN, so it is compared.
function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * The `budget` best of `length` entries, the first and last ones of `guard` among them whatever their score: the twin
 * of the top-k kernel. Where the protected ones alone exceed the budget, the last ones come first, then the first ones.
 */
export function keepBest(
  scores: ArrayLike<number>,
  length: number,
  budget: number,
  guard: ProtectedTokens,
): number[] {
  if (length <= budget) return range(0, length);
  const last = Math.min(guard.last, budget);
  const first = Math.min(guard.first, budget - last);
  const middle = topIndices(scores, budget - first - last, first, length - last);
  return [...range(0, first), ...middle, ...range(length - last, length)];
}

/** kvpress: how many of `length` tokens a compression ratio keeps. */
export function keptAtRatio(length: number, compressionRatio: number): number {
  return Math.trunc(length * (1 - compressionRatio));
}
