/**
 * Hard input for the KV kernels, and the rule by which a GPU's words agree with the twin's.
 *
 * A GPU may divide within 2.5 ulp, so a stored scale may differ from the twin's in its last bits, and a value that lies
 * on the border of two codes may take either. Hence: an f32 scale within SCALE_ERROR of the twin's, an f16 scale within
 * one of its last bits, a minimum exact; codes equal to those the twin's rule gives *under the parameters the GPU
 * stored*, except where the value before rounding lies within TIE of a border. f32 and f16 are equal word for word, and
 * so is everything that nobody wrote.
 */
import type { KvLayout } from '../../src/core/kv/formats.ts';
import { regionStart, type KvPart } from '../../src/core/kv/encode.ts';
import { asymmetricCode, fp8Of, unpackCode } from '../../src/core/kv/quantize.ts';
import { encodeSmallFloat, f16Value, f32Value, roundHalfEven } from '../../src/core/kv/small-float.ts';
import type { Random } from '../../src/core/random.ts';

/** Distance from a border, in codes (relative to the value for fp8: a hundredth of it), where both neighbours are right. */
export const TIE = 1e-4;
/** Largest relative error of a stored f32 scale: three divisions' worth of 2.5 ulp. */
export const SCALE_ERROR = 5e-7;

/**
 * Rows [rows][headDim] as f32: bell-shaped values with three outlier channels (×60); every seventh row is zero, every
 * eleventh constant, every thirteenth tiny.
 */
export function hardRows(random: Random, rows: number, headDim: number): Float32Array {
  const out = new Float32Array(rows * headDim);
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < headDim; c++) out[row * headDim + c] = hardValue(random, row, c, headDim);
  }
  return out;
}

/** Nearly normal, variance 1, from the four halves of two words: `normal()` would be most of a test's time. */
function bell(random: Random): number {
  const [a, b] = [random.nextU32(), random.nextU32()];
  return (((a >>> 16) + (a & 0xffff) + (b >>> 16) + (b & 0xffff)) / 65536 - 2) * 1.732;
}

function hardValue(random: Random, row: number, c: number, headDim: number): number {
  const x = bell(random);
  if (row % 7 === 3) return 0;
  if (row % 11 === 5) return 1.5;
  if (row % 13 === 6) return x * 1e-6;
  return c === 1 || c === headDim - 2 || c === headDim >> 1 ? x * 60 : x;
}

/** `count` distinct slots of a pool in random order, every ninth of them −1. */
export function shuffledSlots(random: Random, count: number, poolSlots: number): Int32Array {
  const slots = random.shuffled(Array.from({ length: poolSlots }, (_, i) => i)).slice(0, count);
  return Int32Array.from(slots, (slot, i) => (i % 9 === 4 ? -1 : slot));
}

/** First word of a row, and the parameter words it is decoded with: one for all channels, or one for each group of them. */
function wordsOfRow(
  layout: KvLayout,
  part: KvPart,
  head: number,
  slot: number,
): { row: number; params: number[] } {
  const { blockSize, headDim } = layout.shape;
  const region = part === 'k' ? layout.k : layout.v;
  const start = regionStart(layout, Math.floor(slot / blockSize), part, head);
  const offset = slot % blockSize;
  const row = start + region.paramWords + offset * region.rowWords;
  if (region.params === 'row') return { row, params: [start + offset] };
  if (region.params === 'none') return { row, params: [] };
  const groups = region.params === 'channel' ? headDim : headDim / region.group;
  const first = region.params === 'channel' ? Math.floor(offset / region.group) : offset;
  return { row, params: Array.from({ length: groups }, (_, g) => start + first * groups + g) };
}

export interface WrittenRow {
  readonly part: KvPart;
  readonly head: number;
  readonly slot: number;
  readonly values: ArrayLike<number>;
}

/**
 * What is wrong with a pool after an append, in words; empty when all is right.
 * @param expected The twin's pool, from the same start.
 * @param written The rows that were appended. Every other word must be equal in both.
 */
export function findPoolErrors(
  pool: Uint32Array,
  expected: Uint32Array,
  layout: KvLayout,
  written: readonly WrittenRow[],
): string[] {
  const errors: string[] = [];
  const checked = new Set<number>();
  for (const row of written) {
    const at = wordsOfRow(layout, row.part, row.head, row.slot);
    const region = row.part === 'k' ? layout.k : layout.v;
    const problem = region.params === 'none' ? null : rowProblem(pool, expected, layout, row, at);
    if (problem) errors.push(`${row.part} head ${row.head} slot ${row.slot}: ${problem}`);
    if (region.params === 'none') continue;
    for (let w = 0; w < region.rowWords; w++) checked.add(at.row + w);
    for (const word of at.params) checked.add(word);
  }
  for (let w = 0; w < expected.length; w++) {
    if (pool[w] !== expected[w] && !checked.has(w))
      errors.push(`word ${w} is ${pool[w]}, not ${expected[w]}`);
  }
  return errors;
}

function rowProblem(
  pool: Uint32Array,
  expected: Uint32Array,
  layout: KvLayout,
  { values }: WrittenRow,
  at: { row: number; params: number[] },
): string | null {
  for (const word of at.params) {
    const problem =
      layout.bits === 8 ? scaleProblem(pool, expected, word) : pairProblem(pool, expected, word);
    if (problem) return problem;
  }
  for (let c = 0; c < values.length; c++) {
    const code = unpackCode(pool, at.row, c, layout.bits);
    const pair = pool[at.params[Math.floor((c * at.params.length) / values.length)] ?? 0] ?? 0;
    const allowed = allowedCodes(layout, values[c] ?? 0, pair);
    if (!allowed.includes(code))
      return `channel ${c} (${values[c]}) has code ${code}, not ${allowed.join(' or ')}`;
  }
  return null;
}

function scaleProblem(pool: Uint32Array, expected: Uint32Array, word: number): string | null {
  const [got, want] = [f32Value(pool[word] ?? 0), f32Value(expected[word] ?? 0)];
  return Math.abs(got - want) <= SCALE_ERROR * want ? null : `scale is ${got}, not ${want}`;
}

/** An f16 (scale, min) pair: the scale within one last bit, the minimum exact. */
export function pairProblem(pool: Uint32Array, expected: Uint32Array, word: number): string | null {
  const [got, want] = [pool[word] ?? 0, expected[word] ?? 0];
  // By value: −0 and 0 are the same minimum.
  if (f16Value(got >>> 16) !== f16Value(want >>> 16))
    return `min is ${f16Value(got >>> 16)}, not ${f16Value(want >>> 16)}`;
  const near = Math.abs((got & 0xffff) - (want & 0xffff)) <= 1;
  return near ? null : `scale is ${f16Value(got & 0xffff)}, not ${f16Value(want & 0xffff)}`;
}

/** The codes of x that count as right under the stored parameter word. */
export function allowedCodes(layout: KvLayout, x: number, parameter: number): number[] {
  const { format, bits } = layout;
  if (format === 'int4' || format === 'int2') {
    const [scaleBits, minBits] = [parameter & 0xffff, parameter >>> 16];
    const step = TIE * f16Value(scaleBits);
    const levels = (1 << bits) - 1;
    return [-step, 0, step].map((shift) => asymmetricCode(x + shift, scaleBits, minBits, levels));
  }
  const scale = f32Value(parameter);
  if (scale === 0) return [0];
  const y = x / scale;
  if (format === 'int8') {
    const code = (shift: number) => Math.max(-127, Math.min(127, roundHalfEven(y + shift))) & 255;
    return [-TIE, 0, TIE].map(code);
  }
  if (format !== 'fp8-e4m3' && format !== 'fp8-e5m2') throw new Error(`${format} has no codes`);
  return [1 - TIE / 100, 1, 1 + TIE / 100].map((factor) => encodeSmallFloat(y * factor, fp8Of(format)));
}

/**
 * Largest error that a format may make on one value of a row: half a step between codes, and what f16 parameters add.
 * Not for int2 keys, whose group is a column.
 */
export function quantum(layout: KvLayout, values: Float32Array, c: number): number {
  const x = Math.abs(values[c] ?? 0);
  const absmax = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  switch (layout.format) {
    case 'f32':
      return 0;
    case 'f16':
      return Math.max(x / 2048, 2 ** -25);
    case 'int8':
      return absmax / 254 + absmax * 1e-6;
    case 'fp8-e4m3':
      return Math.max(x / 16, (absmax / 448) * 2 ** -10) * 1.0001;
    case 'fp8-e5m2':
      return Math.max(x / 8, (absmax / 57344) * 2 ** -17) * 1.0001;
    case 'int4':
    case 'int2': {
      const group = layout.v.group;
      const part = values.subarray(c - (c % group), c - (c % group) + group);
      const range = part.reduce((a, b) => Math.max(a, b)) - part.reduce((a, b) => Math.min(a, b));
      const levels = (1 << layout.bits) - 1;
      // The f16 scale and minimum err by a relative 2^-11, and by 2^-25 where they are subnormal.
      return range / (2 * levels) + (range + absmax) / 1024 + (levels + 1) * 2 ** -25;
    }
  }
}
