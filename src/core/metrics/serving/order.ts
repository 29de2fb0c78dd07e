/**
 * The order that sorts values, without moving them: a radix sort over the bits of the numbers, because a sort with a
 * comparison function takes a second for a million values.
 */

const DIGIT_BITS = 16;
const CELLS = 1 << DIGIT_BITS;
const SMALL = 4096;

/** Positions of the first `count` values, which are not negative, in ascending order; equal ones as they came. */
export function orderOf(values: Float64Array, count: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  if (count <= SMALL) return order.sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0) || a - b);
  // Bits of numbers that are not negative rise with the numbers. Adding 0 turns −0 into 0.
  const words = new Uint16Array(Float64Array.from({ length: count }, (_, i) => (values[i] ?? 0) + 0).buffer);
  const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
  let [from, to] = [order, new Uint32Array(count)];
  for (let digit = 0; digit < 4; digit++) {
    const place = isLittleEndian ? digit : 3 - digit;
    if (pass(words, place, from, to)) [from, to] = [to, from];
  }
  return from;
}

/** Moves positions sorted by one digit of their values; false where all have the same digit and nothing was moved. */
function pass(words: Uint16Array, place: number, from: Uint32Array, to: Uint32Array): boolean {
  const starts = new Uint32Array(CELLS + 1);
  for (let i = 0; i < from.length; i++) {
    const cell = (words[4 * i + place] ?? 0) + 1;
    starts[cell] = (starts[cell] ?? 0) + 1;
  }
  if ((starts[(words[place] ?? 0) + 1] ?? 0) === from.length) return false;
  for (let cell = 1; cell <= CELLS; cell++) starts[cell] = (starts[cell] ?? 0) + (starts[cell - 1] ?? 0);
  for (let i = 0; i < from.length; i++) {
    const position = from[i] ?? 0;
    const cell = words[4 * position + place] ?? 0;
    const at = starts[cell] ?? 0;
    starts[cell] = at + 1;
    to[at] = position;
  }
  return true;
}
