import { beforeAll, describe, expect, it } from 'vitest';
import { kvLayout, type KvLayout } from '../../../src/core/kv/formats.ts';
import { createRandom } from '../../../src/core/random.ts';
import type { Gpu, OpenOptions } from '../../../src/gpu/context.ts';
import { APPEND_SHAPES, createAppend, type AppendShape } from '../../../src/gpu/kernels/append.ts';
import { appendTwin, rowOf } from '../../../src/gpu/kernels/append.twin.ts';
import { combinations } from '../../support/full.ts';
import { inErrorScope, openTestGpu } from '../../support/gpu.ts';
import { SMALL_HEAD_DIMS } from '../../support/products.ts';
import { findPoolErrors, hardRows, shuffledSlots, type WrittenRow } from '../../support/kv-rows.ts';

const AXES = {
  format: ['f32', 'f16', 'fp8-e4m3', 'fp8-e5m2', 'int8', 'int4'] as const,
  headDim: [64, 80, 96, 128, 256] as const,
  blockSize: [8, 16, 32, 64, 128] as const,
  kvHeads: [1, 2, 3] as const,
  shape: APPEND_SHAPES,
};
const SMALL_AXES = { ...AXES, headDim: SMALL_HEAD_DIMS, blockSize: [16, 32] as const };

const CASES = [...combinations(AXES), ...combinations(SMALL_AXES)].map((axes, i) => ({
  ...axes,
  tokens: [1, 15, 17, 33, 40][i % 5] ?? 1,
}));

const UNTOUCHED = 0xdeadbeef;

function writtenRows(
  layout: KvLayout,
  key: Float32Array,
  value: Float32Array,
  slots: Int32Array,
): WrittenRow[] {
  const { kvHeads, headDim } = layout.shape;
  return Array.from(slots).flatMap((slot, token) =>
    slot < 0
      ? []
      : Array.from({ length: kvHeads }, (_, head) => [
          { part: 'k' as const, head, slot, values: rowOf(key, token * kvHeads + head, headDim) },
          { part: 'v' as const, head, slot, values: rowOf(value, token * kvHeads + head, headDim) },
        ]).flat(),
  );
}

/** One device with all that the adapter offers, one with no optional feature. */
const DEVICES: readonly OpenOptions[] = [{}, { subgroups: false, f16: false }];
let gpus: Gpu[];
beforeAll(async () => {
  gpus = await Promise.all(DEVICES.map((options) => openTestGpu(options)));
});

function deviceOf(index: number): Gpu {
  const gpu = gpus[index];
  if (!gpu) throw new Error(`device ${index} was not opened`);
  return gpu;
}

async function appendOnGpu(
  gpu: Gpu,
  shape: AppendShape,
  layout: KvLayout,
  key: Float32Array,
  value: Float32Array,
  slots: Int32Array,
  blocks: number,
): Promise<Uint32Array> {
  const append = await createAppend(gpu, { format: layout.format, ...layout.shape, shape });
  const start = new Uint32Array(blocks * layout.blockWords).fill(UNTOUCHED);
  const buffers = {
    key: gpu.buffers.upload('test.key', key),
    value: gpu.buffers.upload('test.value', value),
    slots: gpu.buffers.upload('test.slots', slots),
    pool: gpu.buffers.upload('test.pool', start),
  };
  const encoder = gpu.device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  append.encode(pass, { ...buffers, tokens: slots.length });
  pass.end();
  gpu.device.queue.submit([encoder.finish()]);
  const words = new Uint32Array(await gpu.buffers.read(buffers.pool, 0, start.byteLength));
  gpu.buffers.destroy(...Object.values(buffers));
  return words;
}

describe.each([
  ['with every feature', 0],
  ['without features', 1],
])('append %s writes the words of its twin', (_, device) => {
  for (const { format, headDim, blockSize, tokens, kvHeads, shape } of CASES) {
    const name = `${format}, head dim ${headDim}, blocks of ${blockSize}, ${tokens} tokens, ${kvHeads} heads, ${shape}`;
    it(name, async () => {
      const gpu = deviceOf(device);
      await inErrorScope(gpu, async () => {
        const layout = kvLayout(format, { kvHeads, headDim, blockSize });
        const blocks = Math.ceil(tokens / blockSize) + 2;
        const random = createRandom(headDim * 1000 + tokens).fork(format);
        const key = hardRows(random, tokens * kvHeads, headDim);
        const value = hardRows(random, tokens * kvHeads, headDim);
        const slots = shuffledSlots(random, tokens, blocks * blockSize);
        const expected = new Uint32Array(blocks * layout.blockWords).fill(UNTOUCHED);
        appendTwin(expected, layout, { key, value, slots });
        const words = await appendOnGpu(gpu, shape, layout, key, value, slots, blocks);
        expect(findPoolErrors(words, expected, layout, writtenRows(layout, key, value, slots))).toEqual([]);
      });
    });
  }
});

describe('append refuses', () => {
  it('a key buffer that is too small, with both numbers', async () => {
    const gpu = deviceOf(0);
    const append = await createAppend(gpu, { format: 'f16', kvHeads: 2, headDim: 64, blockSize: 16 });
    const small = gpu.buffers.upload('test.small', new Float32Array(64));
    const pass = gpu.device.createCommandEncoder().beginComputePass();
    expect(() =>
      append.encode(pass, { key: small, value: small, pool: small, slots: small, tokens: 3 }),
    ).toThrow(/key holds 256 bytes, but this launch needs 1536/);
    gpu.buffers.destroy(small);
  });

  it('int2 without the length of its rings, or without the rings', async () => {
    const gpu = deviceOf(0);
    const shape = { format: 'int2' as const, kvHeads: 1, headDim: 64, blockSize: 16 };
    await expect(createAppend(gpu, shape)).rejects.toThrow(/residualTokens/);
    const append = await createAppend(gpu, { ...shape, residualTokens: 32 });
    const buffer = gpu.buffers.upload('test.buffer', new Float32Array(64));
    const pass = gpu.device.createCommandEncoder().beginComputePass();
    const args = { key: buffer, value: buffer, pool: buffer, slots: buffer, tokens: 1 };
    expect(() => append.encode(pass, args)).toThrow(/`residual`/);
    gpu.buffers.destroy(buffer);
  });
});
