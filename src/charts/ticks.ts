/** Tick values for linear and log axes, in display units. */
import { ticks as linearTicks } from 'd3-array';

export { linearTicks };

/** Values base^k × m within [low, high]. */
function powers(
  low: number,
  high: number,
  base: number,
  multipliers: readonly number[],
  every: number,
): number[] {
  const first = Math.floor(Math.log(low) / Math.log(base)) - 1;
  const last = Math.ceil(Math.log(high) / Math.log(base)) + 1;
  const values: number[] = [];
  for (let k = first; k <= last; k++) {
    if (((k % every) + every) % every !== 0) continue;
    for (const m of multipliers) {
      const value = m * base ** k;
      if (value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)) values.push(value);
    }
  }
  return values;
}

/** From dense to sparse; the first that does not exceed the wished count is taken. */
const DECIMAL: readonly (readonly [readonly number[], number])[] = [
  [[1, 2, 3, 5, 7], 1],
  [[1, 2, 5], 1],
  [[1, 3], 1],
  [[1], 1],
  [[1], 2],
  [[1], 3],
  [[1], 6],
];
const BINARY_STEPS = [1, 2, 3, 4, 5, 10, 20];

/** Below this ratio of its ends a log axis is near enough to a linear one for evenly spaced ticks. */
const EVEN_RANGE = 4;
/** Times the wished count that still finds room; labels that touch are left out by the layout. */
const CROWDED = 2;

/** Ticks of a log axis: 1-2-5 decades, or powers of two for bytes; evenly spaced ones where the range is narrow. */
export function logTicks(low: number, high: number, count: number, binary: boolean): number[] {
  const ladders = binary
    ? BINARY_STEPS.map((step) => powers(low, high, 2, [1], step))
    : DECIMAL.map(([multipliers, every]) => powers(low, high, 10, multipliers, every));
  const fitting = (most: number) => ladders.filter((values) => values.length <= most);
  const wished = fitting(Math.max(count, 2)).find((values) => values.length >= 3);
  if (wished) return wished;
  const even = linearTicks(low, high, Math.min(count, 5));
  // Even steps over decades crowd at the upper end: a few more than wished, or two decades, say more.
  if (high < low * EVEN_RANGE) return even;
  const crowded = fitting(Math.max(count, 2) * CROWDED).findLast((values) => values.length >= 3);
  return crowded ?? fitting(count).find((values) => values.length === 2) ?? even;
}

/** The 1-2-5 step (or power of two) at or below `value`. */
export function floorNice(value: number, binary: boolean): number {
  const steps = binary ? powers(value / 4, value, 2, [1], 1) : powers(value / 10, value, 10, [1, 2, 5], 1);
  return steps.at(-1) ?? value;
}

/** The 1-2-5 step (or power of two) at or above `value`. */
export function ceilNice(value: number, binary: boolean): number {
  const steps = binary ? powers(value, value * 4, 2, [1], 1) : powers(value, value * 10, 10, [1, 2, 5], 1);
  return steps[0] ?? value;
}
