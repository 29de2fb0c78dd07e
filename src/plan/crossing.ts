/** Where a rising function crosses zero, in as few evaluations as a search over thousands of candidates can afford. */

/** Evaluations at the most: each one brackets the crossing more closely. */
const MOST_TRIES = 20;

/**
 * Regula falsi with Illinois' halving.
 * @param f below zero at `low`, above at `high`
 * @returns the upper end of a bracket no wider than `tolerance` of itself, so that f is not below zero there
 */
export function crossing(
  f: (x: number) => number,
  low: number,
  high: number,
  atLow: number,
  atHigh: number,
  tolerance = 1e-3,
): number {
  let [a, b, fa, fb] = [low, high, atLow, atHigh];
  let side = 0;
  for (let i = 0; i < MOST_TRIES && b - a > tolerance * b; i++) {
    // Never so close to an end that the other one stays where it is.
    const edge = 0.5 * tolerance * b;
    const x = Math.min(b - edge, Math.max(a + edge, (a * fb - b * fa) / (fb - fa)));
    const y = f(x);
    if (y < 0) {
      [a, fa] = [x, y];
      if (side === -1) fb /= 2;
      side = -1;
    } else {
      [b, fb] = [x, y];
      if (side === 1) fa /= 2;
      side = 1;
    }
  }
  return b;
}
