/** Rows that went through a smaller format: the same values as a cache of that format gives, and nothing else touched. */
import { describe, expect, it } from 'vitest';
import { decodeRow, encodeKeyGroup, encodeRow } from '../../../src/core/kv/encode.ts';
import { kvLayout, type KvFormat } from '../../../src/core/kv/formats.ts';
import { reencodeRows } from '../../../src/core/kv/reencode.ts';
import { createRandom } from '../../../src/core/random.ts';

const SHAPE = { kvHeads: 2, headDim: 32, blockSize: 16 };
const LAYOUT = kvLayout('f32', SHAPE);
const BLOCKS = 3;

function rowsOf(seed: number): number[][] {
  const random = createRandom(seed);
  return Array.from({ length: BLOCKS * SHAPE.blockSize }, () =>
    Array.from({ length: SHAPE.headDim }, (_, c) =>
      Math.fround((random.uniform() - 0.5) * (c === 7 ? 40 : 2)),
    ),
  );
}

function poolOf(rows: readonly (readonly number[])[]): Uint32Array {
  const pool = new Uint32Array(BLOCKS * LAYOUT.blockWords);
  for (const part of ['k', 'v'] as const)
    for (let head = 0; head < SHAPE.kvHeads; head++)
      rows.forEach((row, slot) => encodeRow(pool, LAYOUT, part, head, slot, row));
  return pool;
}

describe('reencodeRows', () => {
  it.each<KvFormat>(['f16', 'fp8-e4m3', 'fp8-e5m2', 'int8', 'int4', 'int2'])(
    '%s in a pool of f32 holds what a pool of that format holds, row for row',
    (format) => {
      const rows = rowsOf(3);
      const pool = poolOf(rows);
      reencodeRows(pool, LAYOUT, format, { from: 16, to: 32 });
      const other = kvLayout(format, SHAPE);
      const block = new Uint32Array(other.blockWords);
      for (const part of ['k', 'v'] as const) {
        const own = rows.slice(16, 32);
        if (part === 'k' && format === 'int2') encodeKeyGroup(block, other, 1, 0, own.flat());
        else own.forEach((row, slot) => encodeRow(block, other, part, 1, slot, row));
        for (let slot = 0; slot < 16; slot++) {
          expect(decodeRow(pool, LAYOUT, part, 1, 16 + slot)).toEqual(
            decodeRow(block, other, part, 1, slot).map(Math.fround),
          );
        }
      }
    },
  );

  it('touches the slots of its range alone', () => {
    const before = poolOf(rowsOf(4));
    const pool = before.slice();
    reencodeRows(pool, LAYOUT, 'int4', { from: 5, to: 20 });
    for (let slot = 0; slot < BLOCKS * 16; slot++) {
      const [is, was] = [pool, before].map((words) => [...decodeRow(words, LAYOUT, 'k', 0, slot)]);
      if (slot >= 5 && slot < 20) expect(is).not.toEqual(was);
      else expect(is).toEqual(was);
    }
  });

  it('changes nothing the second time', () => {
    const pool = poolOf(rowsOf(5));
    reencodeRows(pool, LAYOUT, 'int8', { from: 0, to: 48 });
    const once = pool.slice();
    reencodeRows(pool, LAYOUT, 'int8', { from: 0, to: 48 });
    for (let slot = 0; slot < 48; slot++) {
      decodeRow(pool, LAYOUT, 'v', 0, slot).forEach((value, c) =>
        expect(value).toBeCloseTo(decodeRow(once, LAYOUT, 'v', 0, slot)[c] ?? NaN, 5),
      );
    }
  });

  it.each([
    { format: 'int2' as const, from: 4, to: 16, sentence: 'int2 rounds 16 slots together; 4 to 16 cuts' },
    {
      format: 'int8' as const,
      from: 0,
      to: 49,
      sentence: 'Slots 0 to 49 were asked for; the words hold 0 to 48',
    },
  ])('refuses $format of $from to $to', ({ format, from, to, sentence }) => {
    expect(() => reencodeRows(poolOf(rowsOf(1)), LAYOUT, format, { from, to })).toThrow(sentence);
  });
});
