/** Weights on the GPU equal the host's, in every format and family; and a failed load leaves the ledger as it was. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MODEL_FAMILIES } from '../../../src/engine/config.ts';
import { readHostWeights, type HostMatrix } from '../../../src/engine/weights/host.ts';
import { loadModel, type LoadProgress } from '../../../src/engine/weights/loader.ts';
import { padHeads } from '../../../src/engine/weights/heads.ts';
import { randomModel } from '../../../src/engine/weights/random.ts';
import { cacheHeadDim } from '../../../src/engine/weights-types.ts';
import type { Gpu } from '../../../src/gpu/context.ts';
import { WEIGHT_FORMATS, type LinearWeight } from '../../../src/gpu/kernels/linear-config.ts';
import { unpackLinear } from '../../../src/gpu/kernels/linear-pack.ts';
import { inErrorScope, openTestGpu } from '../../support/gpu.ts';
import { SMALL_CONFIGS } from '../../support/small-models.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
});
afterAll(() => gpu.device.destroy());

const BUDGET = 1e9;
const FAMILIES = MODEL_FAMILIES.map((family) => ({ family }));

async function floats(buffer: GPUBuffer, length: number): Promise<Float32Array> {
  return new Float32Array(await gpu.buffers.read(buffer, 0, length * 4)).slice(0, length);
}

/** A matrix on the GPU, decoded. */
async function decoded(weight: LinearWeight): Promise<Float32Array> {
  const { format, rows, columns, codes, scales, paddedColumns } = weight;
  const packed = {
    codes: new Uint32Array(await gpu.buffers.read(codes)),
    scales: scales && new Float32Array(await gpu.buffers.read(scales)),
    paddedColumns,
  };
  // A zero code under a negative scale is −0, which is the same weight.
  return unpackLinear(format, rows, columns, packed).map((value) => value + 0);
}

async function expectMatrix(
  weight: LinearWeight,
  expected: HostMatrix,
  heads?: { from: number; to: number },
) {
  const data = heads ? padHeads(expected.data, heads) : expected.data;
  expect(await decoded(weight)).toEqual(data.map((value) => value + 0));
  expect(weight.bias === null).toBe(expected.bias === null);
  if (weight.bias && expected.bias) expect(await floats(weight.bias, weight.rows)).toEqual(expected.bias);
}

describe.each(FAMILIES)('$family', ({ family }) => {
  test.each(WEIGHT_FORMATS.map((format) => ({ format })))('loads as $format', async ({ format }) => {
    const source = randomModel(SMALL_CONFIGS[family], 7);
    const { config } = source;
    const before = gpu.buffers.allocatedBytes;
    const model = await inErrorScope(gpu, () =>
      loadModel(gpu, source, { weightFormat: format, budgetBytes: BUDGET, chunkBytes: 1000 }),
    );
    const { weights } = model;
    expect(gpu.buffers.allocatedBytes - before).toBe(weights.bytes);
    const host = await readHostWeights(source, format);
    const heads = { from: config.headDim, to: cacheHeadDim(config) };
    await expectMatrix(weights.embedding, host.embedding);
    await expectMatrix(weights.head, host.head);
    for (const [i, layer] of weights.layers.entries()) {
      const expected = host.layers[i];
      if (!expected) throw new Error('a layer too many');
      await expectMatrix(layer.qkv, expected.qkv);
      await expectMatrix(layer.output, expected.output, heads);
      await expectMatrix(layer.up, expected.up);
      await expectMatrix(layer.down, expected.down);
      expect(await floats(layer.attentionNorm.weight, config.hidden)).toEqual(expected.attentionNorm.weight);
      expect(layer.mlpNorm === null).toBe(config.parallelBlock);
      if (layer.queryNorm && expected.queryNorm) {
        expect(await floats(layer.queryNorm, config.headDim)).toEqual(expected.queryNorm);
      }
    }
    if (weights.positions && host.positions) {
      expect(await floats(weights.positions, host.positions.data.length)).toEqual(host.positions.data);
    }
    expect(weights.positions === null).toBe(host.positions === null);
    weights.destroy();
    expect(gpu.buffers.allocatedBytes).toBe(before);
  });
});

test('progress ends at the bytes it announced', async () => {
  const seen: LoadProgress[] = [];
  const model = await loadModel(gpu, randomModel(SMALL_CONFIGS.llama, 1), {
    weightFormat: 'f16',
    budgetBytes: BUDGET,
    chunkBytes: 4096,
    onProgress: (progress) => seen.push(progress),
  });
  model.weights.destroy();
  const loaded = seen.map(({ loadedBytes }) => loadedBytes);
  expect(loaded).toEqual([...loaded].sort((a, b) => a - b));
  expect(seen.at(-1)?.loadedBytes).toBeCloseTo(seen.at(-1)?.totalBytes ?? 0, 3);
});
