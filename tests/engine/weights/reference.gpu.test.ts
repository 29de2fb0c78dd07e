/** Both trained models load onto the GPU from each of their files, in the browser as under Node. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { memorySource } from '../../../src/engine/files/byte-source.ts';
import { openGguf } from '../../../src/engine/weights/gguf.ts';
import { readHostWeights } from '../../../src/engine/weights/host.ts';
import { loadModel } from '../../../src/engine/weights/loader.ts';
import type { Gpu } from '../../../src/gpu/context.ts';
import { referenceBytes } from '../../reference-data.ts';
import { openTestGpu } from '../../support/gpu.ts';
import { NO_REFERENCE_MODELS, openStories260K, openTinystories } from '../../support/reference-models.ts';

const why = NO_REFERENCE_MODELS === null ? '' : ` (skipped: ${NO_REFERENCE_MODELS})`;

describe.skipIf(NO_REFERENCE_MODELS !== null)(`trained models${why}`, () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openTestGpu();
  });
  afterAll(() => gpu?.device.destroy());

  test.each([
    { name: 'stories260K.bin', open: openStories260K },
    {
      name: 'stories260K.gguf',
      open: async () =>
        (await openGguf(memorySource('s.gguf', await referenceBytes('weights/stories260K.gguf')))).tensors,
    },
    { name: 'tinystories-656k', open: openTinystories },
  ])('$name', async ({ open }) => {
    const source = await open();
    const before = gpu.buffers.allocatedBytes;
    const model = await loadModel(gpu, source, { weightFormat: 'f32', budgetBytes: 2 ** 24 });
    const host = await readHostWeights(source);
    const last = model.weights.layers.at(-1);
    if (!last) throw new Error('no layer');
    const down = new Float32Array(await gpu.buffers.read(last.down.codes));
    expect(down.slice(0, 64)).toEqual(host.layers.at(-1)?.down.data.slice(0, 64));
    expect(model.weights.head).toBe(model.weights.embedding);
    model.weights.destroy();
    expect(gpu.buffers.allocatedBytes).toBe(before);
  });
});
