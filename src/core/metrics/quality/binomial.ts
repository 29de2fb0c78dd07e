/** The exact interval of a share (Clopper and Pearson, Biometrika 26, 1934). */
import { incompleteBeta } from '../../special.ts';
import type { Interval } from '../intervals.ts';

/** x with I_x(a, b) = p, by bisection. */
function betaQuantile(p: number, a: number, b: number): number {
  let [low, high] = [0, 1];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (incompleteBeta(a, b, middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Interval of the probability behind `right` of `total` independent trials; null without trials. */
export function exactBinomial(right: number, total: number, confidence = 0.95): Interval | null {
  if (total === 0) return null;
  const tail = (1 - confidence) / 2;
  return {
    low: right === 0 ? 0 : betaQuantile(tail, right, total - right + 1),
    high: right === total ? 1 : betaQuantile(1 - tail, right + 1, total - right),
  };
}
