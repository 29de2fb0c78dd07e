import { describe, expect, it } from 'vitest';
import { f16Bits, f32Bits } from '../../../src/core/kv/small-float.ts';
import { createRandom } from '../../../src/core/random.ts';
import { WEIGHT_FORMATS } from '../../../src/gpu/kernels/linear-config.ts';
import {
  halfOfF32,
  linearBytes,
  packLinear,
  paddedColumnsOf,
  unpackLinear,
} from '../../../src/gpu/kernels/linear-pack.ts';

function matrix(rows: number, columns: number): Float32Array {
  const random = createRandom(3);
  return Float32Array.from({ length: rows * columns }, (_, i) => random.normal() * (i % 37 === 0 ? 20 : 1));
}

/** Largest |x − x̂| that a format may leave, as a part of the largest |x| of its 32 columns. */
const TOLERANCE = { f32: 0, f16: 2 ** -11, int8: 0.5 / 127, int4: 1 / 8 } as const;

describe('packLinear', () => {
  it.each(WEIGHT_FORMATS)('%s comes back within its step', (format) => {
    for (const columns of [4, 64, 172, 96]) {
      const rows = 5;
      const data = matrix(rows, columns);
      const packed = packLinear(format, rows, columns, data);
      const back = unpackLinear(format, rows, columns, packed);
      expect(packed.paddedColumns).toBe(paddedColumnsOf(format, columns));
      expect(packed.codes.byteLength + (packed.scales?.byteLength ?? 0)).toBe(
        linearBytes(format, rows, columns),
      );
      for (let i = 0; i < data.length; i++) {
        const first = i - ((i % columns) % 32);
        const group = data.slice(first, Math.min(first + 32, i - (i % columns) + columns));
        const most = Math.max(...group.map(Math.abs));
        expect(Math.abs((data[i] ?? 0) - (back[i] ?? 0))).toBeLessThanOrEqual(
          most * TOLERANCE[format] * 1.000001,
        );
      }
    }
  });

  it('lays codes out lowest first, with an offset of half their range', () => {
    const ramp = Float32Array.from({ length: 32 }, (_, i) => i - 8);
    ramp.fill(0, 16);
    ramp[15] = 7;
    const int4 = packLinear('int4', 1, 32, ramp);
    expect([...int4.codes].map((word) => word.toString(16))).toEqual([
      '76543210',
      'fedcba98',
      '88888888',
      '88888888',
    ]);
    expect([...(int4.scales ?? [])]).toEqual([1]);
    const bytes = new Float32Array(32);
    bytes.set([127, -127, 0, 1]);
    const int8 = packLinear('int8', 1, 32, bytes);
    expect(int8.codes[0]?.toString(16)).toBe('818001ff');
    expect(packLinear('f16', 1, 4, Float32Array.of(1, -2, 0.5, 0)).codes[0]?.toString(16)).toBe('c0003c00');
  });

  it('pads the rows of scaled formats with zero codes', () => {
    const { codes, scales, paddedColumns } = packLinear('int8', 2, 36, matrix(2, 36));
    expect(paddedColumns).toBe(64);
    expect(scales?.length).toBe(4);
    expect([...codes.slice(9, 16)]).toEqual(Array.from({ length: 7 }, () => 0x80808080));
  });

  it('stores groups of zeros and of nearly nothing as zeros', () => {
    for (const format of ['int8', 'int4'] as const) {
      const packed = packLinear(format, 1, 32, new Float32Array(32).fill(1e-38));
      expect([...unpackLinear(format, 1, 32, packed)]).toEqual(Array.from({ length: 32 }, () => 0));
    }
  });

  it('says both numbers where the values are not as many as the shape', () => {
    expect(() => packLinear('f32', 2, 4, new Float32Array(7))).toThrow(/8 values, not 7/);
  });
});

describe('halfOfF32', () => {
  it("gives the bits of core's f16Bits", () => {
    const random = createRandom(9);
    const special = [
      0,
      -0,
      1,
      65504,
      65519.9,
      65520,
      1e9,
      2 ** -14,
      2 ** -24,
      2 ** -25,
      3 * 2 ** -25,
      2 ** -26,
      NaN,
    ];
    const drawn = Array.from({ length: 4000 }, () => random.normal() * 2 ** (random.below(50) - 30));
    for (const x of [...special, ...drawn, ...drawn.map((y) => -y)]) {
      const bits = f32Bits(x);
      expect([x, halfOfF32(bits)]).toEqual([x, f16Bits(Math.fround(x))]);
    }
  });
});
