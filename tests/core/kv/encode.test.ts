import { describe, expect, it } from 'vitest';
import { decodeRow, encodeKeyGroup, encodeRow, regionStart } from '../../../src/core/kv/encode.ts';
import { KV_FORMATS, kvLayout } from '../../../src/core/kv/formats.ts';
import { quantizeAsymmetric, quantizeFp8, quantizeInt8 } from '../../../src/core/kv/quantize.ts';
import {
  decodeSmallFloat,
  E4M3FN,
  E5M2,
  encodeSmallFloat,
  F16,
  f16Bits,
  f16Value,
  roundHalfEven,
} from '../../../src/core/kv/small-float.ts';
import { createRandom } from '../../../src/core/random.ts';
import { findPoolErrors, hardRows, quantum } from '../../support/kv-rows.ts';

const HEAD_DIMS = [64, 80, 96, 128, 256];

describe('small floats', () => {
  it.each([F16, E4M3FN, E5M2])('$name: every finite code comes back as itself', (format) => {
    for (let code = 0; code < 1 << format.bits; code++) {
      const value = decodeSmallFloat(code, format);
      if (Number.isFinite(value)) expect(encodeSmallFloat(value, format)).toBe(code);
    }
  });

  it.each([F16, E4M3FN, E5M2])('$name: the middle of two neighbours goes to the even one', (format) => {
    for (let code = 0; code < format.maxCode; code++) {
      const middle = (decodeSmallFloat(code, format) + decodeSmallFloat(code + 1, format)) / 2;
      const even = code % 2 === 0 ? code : code + 1;
      expect(encodeSmallFloat(middle, format)).toBe(even);
      expect(encodeSmallFloat(middle * (1 + 1e-12), format)).toBe(code + 1);
      expect(encodeSmallFloat(middle * (1 - 1e-12), format)).toBe(code);
    }
  });

  it.each([
    { x: 65504, bits: 0x7bff },
    { x: 65519.99, bits: 0x7bff },
    { x: 65520, bits: 0x7c00 },
    { x: -Infinity, bits: 0xfc00 },
    { x: 5.960464477539063e-8, bits: 1 },
    { x: 2.9802322387695312e-8, bits: 0 },
    { x: NaN, bits: 0x7e00 },
  ])('f16 of $x by IEEE is $bits', ({ x, bits }) => {
    expect(encodeSmallFloat(x, F16, false)).toBe(bits);
  });

  it('f16 in the cache saturates, because one infinity spoils a softmax', () => {
    expect(f16Value(f16Bits(1e6))).toBe(65504);
    expect(f16Value(f16Bits(-Infinity))).toBe(-65504);
  });

  it.each([
    [0.5, 0],
    [1.5, 2],
    [2.5, 2],
    [-0.5, 0],
    [-1.5, -2],
    [0.49999999999999994, 0],
  ])('%d rounds to %d', (x, rounded) => {
    expect(roundHalfEven(x)).toBeCloseTo(rounded, 15);
  });
});

describe('f16Value', () => {
  it('is decodeSmallFloat for every code', () => {
    for (let code = 0; code < 65536; code++) {
      if (!Object.is(f16Value(code), decodeSmallFloat(code, F16))) throw new Error(`code ${code}`);
    }
  });
});

describe('degenerate rows', () => {
  it('zeros get scale 0 and codes 0', () => {
    expect(quantizeInt8([0, -0, 0])).toEqual({ scale: 0, codes: [0, 0, 0] });
    expect(quantizeFp8([0, 0], E4M3FN)).toEqual({ scale: 0, codes: [0, 0] });
  });

  it('a constant group decodes to its constant, not to NaN', () => {
    expect(quantizeAsymmetric([2.5, 2.5], 2)).toEqual({ scaleBits: 0, minBits: f16Bits(2.5), codes: [0, 0] });
  });

  it('the largest magnitude of an fp8 row lands on the largest code', () => {
    expect(quantizeFp8([1, -3], E4M3FN).codes[1]).toBe(0x80 | E4M3FN.maxCode);
    expect(quantizeFp8([1, 3], E5M2).codes[1]).toBe(E5M2.maxCode);
  });
});

describe.each(KV_FORMATS)('%s rows come back within their quantum', (format) => {
  it.each(HEAD_DIMS)('head dim %d', (headDim) => {
    const layout = kvLayout(format, { kvHeads: 3, headDim, blockSize: 16 });
    const pool = new Uint32Array(2 * layout.blockWords);
    const rows = hardRows(createRandom(headDim).fork(format), 32, headDim);
    for (let slot = 0; slot < 32; slot++) {
      const row = rows.subarray(slot * headDim, (slot + 1) * headDim);
      encodeRow(pool, layout, 'v', slot % 3, slot, row);
      decodeRow(pool, layout, 'v', slot % 3, slot).forEach((value, c) => {
        expect(Math.abs(value - (row[c] ?? NaN))).toBeLessThanOrEqual(quantum(layout, row, c));
      });
    }
  });
});

describe('int2 keys, per channel over a token group', () => {
  it.each([8, 16, 32, 64])('blocks of %d', (blockSize) => {
    const headDim = 80;
    const layout = kvLayout('int2', { kvHeads: 2, headDim, blockSize });
    const { group } = layout.k;
    const pool = new Uint32Array(2 * layout.blockWords);
    const values = hardRows(createRandom(5), group, headDim);
    const slot = blockSize + blockSize - group;
    encodeKeyGroup(pool, layout, 1, slot, values);
    for (let c = 0; c < headDim; c++) {
      const column = Array.from({ length: group }, (_, t) => values[t * headDim + c] ?? NaN);
      const range = Math.max(...column) - Math.min(...column);
      column.forEach((x, t) => {
        const decoded = decodeRow(pool, layout, 'k', 1, slot + t)[c] ?? NaN;
        expect(Math.abs(decoded - x)).toBeLessThanOrEqual(range / 6 + (range + Math.abs(x)) / 1024);
      });
    }
  });

  it('a row at a time is refused', () => {
    const layout = kvLayout('int2', { kvHeads: 1, headDim: 64, blockSize: 16 });
    expect(() =>
      encodeRow(new Uint32Array(layout.blockWords), layout, 'k', 0, 0, new Float32Array(64)),
    ).toThrow(/token group/);
  });
});

describe('the layout is the one of formats.ts, word for word', () => {
  it('int8: head 1 of V in block 2, slot 3', () => {
    const layout = kvLayout('int8', { kvHeads: 2, headDim: 64, blockSize: 8 });
    const pool = new Uint32Array(3 * layout.blockWords);
    const row = Float32Array.from({ length: 64 }, (_, c) => (c === 63 ? 127 : c));
    encodeRow(pool, layout, 'v', 1, 2 * 8 + 3, row);
    // Two K regions, then V of head 0; 8 scales and 8 rows of 16 words a region.
    const start = 2 * layout.blockWords + 3 * (8 + 8 * 16);
    expect(regionStart(layout, 2, 'v', 1)).toBe(start);
    expect(pool[start + 3]).toBe(0x3f800000);
    expect(pool[start + 8 + 3 * 16]).toBe(0x03020100);
    expect(pool[start + 8 + 3 * 16 + 15]).toBe((127 << 24) | (62 << 16) | (61 << 8) | 60);
    expect(pool.reduce((count, word) => count + (word === 0 ? 0 : 1), 0)).toBe(17);
  });
});

describe('the rule for GPU words sees what is wrong', () => {
  const layout = kvLayout('int4', { kvHeads: 1, headDim: 64, blockSize: 8 });
  const values = hardRows(createRandom(1), 1, 64);
  const expected = new Uint32Array(layout.blockWords);
  encodeRow(expected, layout, 'k', 0, 2, values);
  const row = { part: 'k' as const, head: 0, slot: 2, values };

  it('nothing in a right pool', () => {
    expect(findPoolErrors(expected.slice(), expected, layout, [row])).toEqual([]);
  });

  it.each([
    ['a code', layout.k.paramWords + 2 * layout.k.rowWords, 1 << 8],
    ['a minimum', 4, 1 << 16],
    ['a scale', 4, 6],
    ['a word nobody wrote', 0, 1],
  ])('%s', (_, word, bit) => {
    const pool = expected.slice();
    pool[word] = (pool[word] ?? 0) ^ bit;
    expect(findPoolErrors(pool, expected, layout, [row])).toHaveLength(1);
  });
});
