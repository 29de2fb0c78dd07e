import { beforeAll, describe, expect, it } from 'vitest';
import { KV_FORMATS, kvLayout, type KvLayout } from '../../../src/core/kv/formats.ts';
import { encodeKeyGroup, encodeRow } from '../../../src/core/kv/encode.ts';
import { ringWords } from '../../../src/core/kv/kivi.ts';
import { createRandom } from '../../../src/core/random.ts';
import type { Gpu } from '../../../src/gpu/context.ts';
import { rowOf } from '../../../src/gpu/kernels/append.twin.ts';
import { createDequantize } from '../../../src/gpu/kernels/dequantize.ts';
import { dequantizeTwin, type DequantizeInput } from '../../../src/gpu/kernels/dequantize.twin.ts';
import { combinations } from '../../support/full.ts';
import { inErrorScope, openTestGpu } from '../../support/gpu.ts';
import { SMALL_HEAD_DIMS } from '../../support/products.ts';
import { hardRows, quantum, shuffledSlots } from '../../support/kv-rows.ts';
import { packF16Pair } from '../../../src/core/kv/small-float.ts';

const AXES = {
  format: KV_FORMATS,
  headDim: [64, 80, 96, 128, 256] as const,
  blockSize: [8, 16, 32, 64, 128] as const,
  kvHeads: [1, 2, 3] as const,
};
const SMALL_AXES = { ...AXES, headDim: SMALL_HEAD_DIMS, blockSize: [16, 32] as const };
const CASES = [...combinations(AXES), ...combinations(SMALL_AXES)];

const RESIDUAL = 32;
/** Where nothing may be written. */
const UNTOUCHED = 12345;

let gpu: Gpu;
/** A device without subgroups and shader-f16. */
let plain: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
  plain = await openTestGpu({ subgroups: false, f16: false });
});

interface Filled {
  readonly pool: Uint32Array;
  /** [slot][kvHeads][headDim] */
  readonly key: Float32Array;
  readonly value: Float32Array;
  readonly slots: number;
}

/** Two blocks with every slot encoded. */
function filledPool(layout: KvLayout): Filled {
  const { kvHeads, headDim, blockSize } = layout.shape;
  const slots = 2 * blockSize;
  const random = createRandom(headDim + blockSize).fork(layout.format);
  const key = hardRows(random, slots * kvHeads, headDim);
  const value = hardRows(random, slots * kvHeads, headDim);
  const pool = new Uint32Array(2 * layout.blockWords);
  const perGroup = layout.format === 'int2' ? layout.k.group : 1;
  for (let slot = 0; slot < slots; slot++) {
    for (let head = 0; head < kvHeads; head++) {
      encodeRow(pool, layout, 'v', head, slot, rowOf(value, slot * kvHeads + head, headDim));
      if (layout.format !== 'int2')
        encodeRow(pool, layout, 'k', head, slot, rowOf(key, slot * kvHeads + head, headDim));
      else if (slot % perGroup === 0) {
        const rows = Array.from({ length: perGroup }, (_, t) =>
          rowOf(key, (slot + t) * kvHeads + head, headDim),
        );
        encodeKeyGroup(pool, layout, head, slot, rows.flat());
      }
    }
  }
  return { pool, key, value, slots };
}

/** Two rings of hard rows; every fifth token takes its key from there, every third its value. */
function ringOf(layout: KvLayout, tokens: number): DequantizeInput['residual'] {
  const { kvHeads, headDim } = layout.shape;
  const words = 2 * ringWords({ kvHeads, headDim, residualTokens: RESIDUAL });
  const rows = hardRows(createRandom(4), (words * 2) / headDim, headDim);
  const ring = Uint32Array.from({ length: words }, (_, i) =>
    packF16Pair(rows[2 * i] ?? 0, rows[2 * i + 1] ?? 0),
  );
  const places = Array.from({ length: tokens }, (_, t) => [
    t % 5 === 2 ? (t * 7) % (2 * RESIDUAL) : -1,
    t % 3 === 1 ? (t * 11) % (2 * RESIDUAL) : -1,
  ]);
  return { ring, rows: Int32Array.from(places.flat()), residualTokens: RESIDUAL };
}

async function dequantizeOnGpu(
  gpu: Gpu,
  layout: KvLayout,
  input: DequantizeInput,
): Promise<{ key: Float32Array; value: Float32Array }> {
  const { kvHeads, headDim } = layout.shape;
  const tokens = input.slots.length;
  const kernel = await createDequantize(gpu, {
    format: layout.format,
    ...layout.shape,
    residualTokens: RESIDUAL,
  });
  const untouched = new Float32Array(tokens * kvHeads * headDim).fill(UNTOUCHED);
  const pool = gpu.buffers.upload('test.pool', input.pool);
  const slots = gpu.buffers.upload('test.slots', Int32Array.from(input.slots));
  const key = gpu.buffers.upload('test.key', untouched);
  const value = gpu.buffers.upload('test.value', untouched);
  const ring = gpu.buffers.upload('test.ring', input.residual?.ring ?? new Uint32Array(4));
  const rows = gpu.buffers.upload('test.rows', Int32Array.from(input.residual?.rows ?? [0]));
  const encoder = gpu.device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  kernel.encode(pass, {
    pool,
    slots,
    tokens,
    key,
    value,
    ...(input.residual ? { residual: { ring, rows } } : {}),
  });
  pass.end();
  gpu.device.queue.submit([encoder.finish()]);
  const bytes = untouched.byteLength;
  const out = {
    key: new Float32Array(await gpu.buffers.read(key, 0, bytes)),
    value: new Float32Array(await gpu.buffers.read(value, 0, bytes)),
  };
  gpu.buffers.destroy(pool, slots, key, value, ring, rows);
  return out;
}

/** Largest |a − b| relative to the largest of a row of b. */
function worstRowError(a: Float32Array, b: Float64Array, headDim: number): number {
  let worst = 0;
  for (let row = 0; row < b.length; row += headDim) {
    const absmax = b.subarray(row, row + headDim).reduce((most, x) => Math.max(most, Math.abs(x)), 1e-30);
    for (let c = row; c < row + headDim; c++)
      worst = Math.max(worst, Math.abs((a[c] ?? NaN) - (b[c] ?? NaN)) / absmax);
  }
  return worst;
}

describe('dequantize reads what its twin reads', () => {
  for (const { format, headDim, blockSize, kvHeads } of CASES) {
    it(`${format}, head dim ${headDim}, blocks of ${blockSize}, ${kvHeads} heads`, async () => {
      await inErrorScope(gpu, async () => {
        const layout = kvLayout(format, { kvHeads, headDim, blockSize });
        const filled = filledPool(layout);
        const slots = shuffledSlots(createRandom(2), Math.min(13, filled.slots), filled.slots);
        const residual = format === 'int2' ? ringOf(layout, slots.length) : undefined;
        const input = { pool: filled.pool, slots, ...(residual ? { residual } : {}) };
        const expected = {
          key: new Float64Array(slots.length * kvHeads * headDim).fill(UNTOUCHED),
          value: new Float64Array(slots.length * kvHeads * headDim).fill(UNTOUCHED),
        };
        dequantizeTwin(layout, input, expected.key, expected.value);
        const out = await dequantizeOnGpu(gpu, layout, input);
        expect(worstRowError(out.key, expected.key, headDim)).toBeLessThan(1e-6);
        expect(worstRowError(out.value, expected.value, headDim)).toBeLessThan(1e-6);
      });
    });
  }
});

describe('what comes back is within the quantum of what went in', () => {
  it.each(KV_FORMATS)('%s values, on a device without optional features', async (format) => {
    await inErrorScope(plain, async () => {
      const layout = kvLayout(format, { kvHeads: 2, headDim: 96, blockSize: 16 });
      const filled = filledPool(layout);
      const slots = Int32Array.from({ length: filled.slots }, (_, i) => i);
      const rows = new Int32Array(2 * slots.length).fill(-1);
      const residual = { ring: new Uint32Array(96 * 2 * RESIDUAL), rows, residualTokens: RESIDUAL };
      const input = { pool: filled.pool, slots, ...(format === 'int2' ? { residual } : {}) };
      const { value } = await dequantizeOnGpu(plain, layout, input);
      value.forEach((x, i) => {
        const row = filled.value.subarray(i - (i % 96), i - (i % 96) + 96);
        const allowed = quantum(layout, row, i % 96) + Math.abs(x) * 1e-6;
        expect(Math.abs(x - (row[i % 96] ?? NaN))).toBeLessThanOrEqual(allowed);
      });
    });
  });
});
