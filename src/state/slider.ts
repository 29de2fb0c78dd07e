/** A number on a logarithmic slider: positions 0…STEPS, values of two significant digits, so that a drag reads well. */

export const STEPS = 400;

export function toPosition(value: number, min: number, max: number): number {
  const share = Math.log(Math.max(min, Math.min(max, value)) / min) / Math.log(max / min);
  return Math.round(share * STEPS);
}

/** @param whole the value is a count */
export function fromPosition(position: number, min: number, max: number, whole: boolean): number {
  if (position <= 0) return min;
  if (position >= STEPS) return max;
  const value = min * (max / min) ** (position / STEPS);
  const rounded = Number(value.toPrecision(2));
  return Math.max(min, Math.min(max, whole ? Math.max(1, Math.round(rounded)) : rounded));
}
