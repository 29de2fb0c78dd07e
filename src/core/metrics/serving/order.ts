/**
 * The order that sorts values, without moving them: a radix sort over the bits of the numbers, because a sort with a
 * comparison function takes half a second for a million values.
 *
 * The upper halves of the numbers are sorted first; only values that agree in them (to six digits) look at the lower.
 */

const DIGIT_BITS = 16;
const CELLS = 1 << DIGIT_BITS;
/** So few values are sorted by comparing. */
const SMALL = 64;

/** Scratch space of one call. */
interface Scratch {
  readonly keys: Uint32Array;
  readonly otherKeys: Uint32Array;
  readonly otherOrder: Uint32Array;
  readonly starts: Uint32Array;
}

/** Positions of the first `count` values, which are not negative, in ascending order; equal ones as they came. */
export function orderOf(values: Float64Array, count: number): Uint32Array {
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  if (count <= SMALL) {
    sortBySteps(values, order, 0, count);
    return order;
  }
  // Bits of numbers that are not negative rise with the numbers. Adding 0 turns −0 into 0.
  const bits = new Float64Array(count);
  for (let i = 0; i < count; i++) bits[i] = (values[i] ?? 0) + 0;
  const words = new Uint32Array(bits.buffer);
  const upper = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 1 : 0;
  const scratch: Scratch = {
    keys: new Uint32Array(count),
    otherKeys: new Uint32Array(count),
    otherOrder: new Uint32Array(count),
    starts: new Uint32Array(CELLS + 1),
  };
  sortByWord(words, upper, order, scratch);
  const upperKeys = scratch.keys.slice();
  for (let from = 0, i = 1; i <= count; i++) {
    if (i < count && upperKeys[i] === upperKeys[from]) continue;
    if (i - from > SMALL) sortByWord(words, 1 - upper, order.subarray(from, i), scratch);
    else if (i - from > 1) sortBySteps(values, order, from, i);
    from = i;
  }
  return order;
}

/** Sorts a few positions by inserting one after another. */
function sortBySteps(values: Float64Array, order: Uint32Array, from: number, to: number): void {
  for (let i = from + 1; i < to; i++) {
    const position = order[i] ?? 0;
    const value = values[position] ?? 0;
    let at = i;
    for (; at > from && (values[order[at - 1] ?? 0] ?? 0) > value; at--) order[at] = order[at - 1] ?? 0;
    order[at] = position;
  }
}

/** Sorts positions by one half of their values; those that agree keep their order. */
function sortByWord(words: Uint32Array, half: number, order: Uint32Array, scratch: Scratch): void {
  const { length } = order;
  const [keys, otherKeys] = [scratch.keys.subarray(0, length), scratch.otherKeys.subarray(0, length)];
  const otherOrder = scratch.otherOrder.subarray(0, length);
  for (let i = 0; i < length; i++) keys[i] = words[2 * (order[i] ?? 0) + half] ?? 0;
  sortByDigit(0, keys, order, otherKeys, otherOrder, scratch.starts);
  sortByDigit(DIGIT_BITS, otherKeys, otherOrder, keys, order, scratch.starts);
}

function sortByDigit(
  shift: number,
  keys: Uint32Array,
  order: Uint32Array,
  toKeys: Uint32Array,
  toOrder: Uint32Array,
  starts: Uint32Array,
): void {
  starts.fill(0);
  for (let i = 0; i < keys.length; i++) {
    const cell = (((keys[i] ?? 0) >>> shift) & (CELLS - 1)) + 1;
    starts[cell] = (starts[cell] ?? 0) + 1;
  }
  for (let cell = 1; cell <= CELLS; cell++) starts[cell] = (starts[cell] ?? 0) + (starts[cell - 1] ?? 0);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] ?? 0;
    const cell = (key >>> shift) & (CELLS - 1);
    const at = starts[cell] ?? 0;
    starts[cell] = at + 1;
    toKeys[at] = key;
    toOrder[at] = order[i] ?? 0;
  }
}
