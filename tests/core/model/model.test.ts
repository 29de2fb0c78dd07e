import { expect, test } from 'vitest';
import { findGpu } from '../../../src/core/hardware/records.ts';
import {
  deviceOfCheck,
  deviceOfRecord,
  modelFit,
  modelFits,
  type DeviceMemory,
} from '../../../src/core/model/fit.ts';
import {
  findModel,
  modelNames,
  MODELS,
  modelShape,
  type ModelRecord,
} from '../../../src/core/model/records.ts';
import * as roofline from '../../../src/core/model/roofline.ts';
import {
  kvBytesPerToken,
  kvFormatBytesPerToken,
  paramCount,
  weightBytes,
} from '../../../src/core/model/weights.ts';
import { isWithin, vectors } from '../../golden/vectors.ts';
import { checkRun } from '../../support/runs.ts';

function known(name: string): ModelRecord {
  const model = findModel(name);
  if (!model) throw new Error(`No model ${name}.`);
  return model;
}

test('ten models, each with a source, ordered by size', () => {
  expect(MODELS.length).toBeGreaterThanOrEqual(10);
  expect(new Set(MODELS.map(({ id }) => id)).size).toBe(MODELS.length);
  const sizes = MODELS.map((model) => paramCount(model).total);
  expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
  expect(modelNames()).toContain('Llama-3.2-1B');
});

test('a model is found by id or name; an unknown one is not', () => {
  expect(findModel('LLAMA-3.1-8b')?.layers).toBe(32);
  expect(modelShape('OPT-1.3B')).toEqual({
    name: 'OPT-1.3B',
    layers: 24,
    queryHeads: 32,
    kvHeads: 32,
    headDim: 64,
  });
  expect(modelShape('gpt-9')).toBeUndefined();
});

/** As the model cards print them. */
test.each([
  ['SmolLM2-135M', 134_515_008],
  ['Qwen3-0.6B', 596_049_920],
  ['TinyLlama-1.1B', 1_100_048_384],
  ['Llama-3.2-1B', 1_235_814_400],
  ['OPT-1.3B', 1_315_758_080],
  ['Mistral-7B-v0.3', 7_248_023_552],
  ['Qwen2.5-7B', 7_615_616_512],
  ['Llama-3.1-8B', 8_030_261_248],
  ['Qwen3-8B', 8_190_735_360],
  ['Llama-3.1-70B', 70_553_706_496],
])('%s has %i parameters', (name, total) => {
  expect(paramCount(known(name)).total).toBe(total);
});

const dense = vectors('weights/').filter(({ fn }) => fn === 'paramCount');

test.each(dense)('$id', ({ input, expected }) => {
  const record: ModelRecord = {
    ...known('Llama-3.1-8B'),
    hidden: Number(input['hidden']),
    intermediate: Number(input['inter']),
    layers: Number(input['layers']),
    queryHeads: Number(input['heads']),
    kvHeads: Number(input['kv_heads']),
    vocab: Number(input['vocab']),
    tiedEmbeddings: input['tied'] === true,
    qkNorm: input['qk_norm'] === true,
  };
  expect(input['head_dim']).toBe(128);
  const count = paramCount(record);
  expect({ layer_matmul: count.layerMatmul, total: count.total }).toEqual(expected);
});

const grouped = vectors('kv/token/').filter(
  ({ input }) => input['kind'] === 'gqa' || input['kind'] === 'mha',
);

test.each(grouped)('$id', ({ input, expected }) => {
  const shape = {
    layers: Number(input['layers']),
    kvHeads: Number(input['kv_heads']),
    headDim: 128 as const,
  };
  expect(input['head_dim']).toBe(128);
  expect(kvBytesPerToken(shape, Number(input['bytes_per_elem']))).toBe(expected);
});

test('our f16 holds what the formula says', () => {
  for (const model of MODELS) expect(kvFormatBytesPerToken(model, 'f16')).toBe(kvBytesPerToken(model, 2));
});

const gpuOf = (input: Record<string, unknown>) => {
  const gpu = input['gpu'] as { flops: number; bw: number };
  return { flopsPerSecond: gpu.flops, bytesPerSecond: gpu.bw };
};

test.each(vectors('roof/llama8b/').filter(({ fn }) => /^(decodeStep|prefill)Roofline$/.test(fn)))(
  '$id',
  (vector) => {
    const { fn, input, expected, tol } = vector;
    const model = known(String(input['model']));
    const actual =
      fn === 'prefillRoofline'
        ? roofline.prefillRoofline(model, gpuOf(input), Number(input['tokens']))
        : roofline.decodeStepRoofline(model, gpuOf(input), {
            batch: Number(input['batch']),
            context: Number(input['context']),
            bytesPerElement: Number(input['bytes_per_elem']),
          });
    const published = expected as Record<string, unknown>;
    const pairs: [keyof roofline.Roofline, string][] = [
      ['flops', 'flops'],
      ['bytes', 'bytes'],
      ['computeSeconds', 't_compute_s'],
      ['memorySeconds', 't_memory_s'],
      ['maxSeconds', 'step_max_s'],
      ['sumSeconds', 'step_sum_s'],
      ['bound', 'bound'],
    ];
    for (const [ours, theirs] of pairs) {
      if (theirs in published)
        expect(isWithin(actual[ours], published[theirs], tol), `${ours} ${actual[ours]}`).toBe(true);
    }
  },
);

test.each(
  vectors('roof/').filter(({ fn }) =>
    ['ridgePoint', 'criticalBatch', 'decodeAttentionIntensity'].includes(fn),
  ),
)('$id', ({ fn, input, expected, tol }) => {
  const rates = {
    flopsPerSecond: Number(input['flops'] ?? input['peak_flops']),
    bytesPerSecond: Number(input['bw']),
  };
  const functions: Record<string, () => number> = {
    ridgePoint: () => roofline.ridgePoint(rates),
    criticalBatch: () => roofline.criticalBatch(rates, Number(input['bytes_per_weight'])),
    decodeAttentionIntensity: () =>
      roofline.decodeAttentionIntensity(Number(input['group_size']), Number(input['bytes_per_elem'])),
  };
  const actual = functions[fn]?.();
  expect(isWithin(actual, expected, tol)).toBe(true);
});

test.each(vectors('calib/').filter(({ fn }) => fn === 'decodeTokensPerSecond'))(
  '$id',
  ({ input, expected, tol }) => {
    const actual = roofline.decodeTokensPerSecond({
      weightBytes: Number(input['weight_bytes']),
      kvBytesPerToken: Number(input['kv_bytes_per_token']),
      context: Number(input['context']),
      bytesPerSecond: Number(input['effective_bw']),
      batch: Number(input['batch']),
    });
    expect(isWithin(actual, expected, tol)).toBe(true);
  },
);

const device = (gigabytes: number, gbps: number | null): DeviceMemory => ({
  memoryBytes: { value: gigabytes * 1e9, origin: 'measured' },
  readBytesPerSecond: gbps === null ? null : { value: gbps * 1e9, origin: 'measured' },
});

test('a model that fits has room for tokens and a ceiling on its rate', () => {
  const fit = modelFit(known('Llama-3.2-1B'), device(8, 100));
  expect(fit.verdict).toBe('fits');
  expect(fit.kvBytesPerToken).toBe(32_768);
  // 8e9·0.92 − 2·1235814400 − 2·512·2048·10 bytes, over 32 KiB
  expect(fit.kvTokens).toBe(Math.floor((7.36e9 - 2_471_628_800 - 20_971_520) / 32_768));
  // every matrix once, the embedding as output layer, and 2048 tokens of KV
  expect(fit.decodeTokensPerSecond).toBeCloseTo(
    100e9 / (2 * (16 * 60_817_408 + 262_668_288) + 2048 * 32_768),
    6,
  );
  expect(fit.sentence).toBe(
    'Llama-3.2-1B with f16 weights (2.5 GB) leaves room for 148,541 KV tokens in f16, 7.4 GB usable of 8.0 GB (measured); reading at 100 GB/s (measured) allows at most 39 tokens/s for one sequence of 2,048.',
  );
});

test.each([
  { gb: 1, verdict: 'too large', says: /does not fit into 0\.9 GB usable of 1\.0 GB \(measured\)\.$/ },
  { gb: 2.75, verdict: 'short', says: /less than the 2,048 asked for\.$/ },
])('in $gb GB a 1B model is $verdict', ({ gb, verdict, says }) => {
  const fit = modelFit(known('Llama-3.2-1B'), device(gb, 100));
  expect(fit.verdict).toBe(verdict);
  expect(fit.decodeTokensPerSecond).toBeNull();
  expect(fit.sentence).toMatch(says);
});

test('without a bandwidth there is no rate', () => {
  const fit = modelFit(known('Llama-3.2-1B'), device(8, null));
  expect(fit.verdict).toBe('fits');
  expect(fit.decodeTokensPerSecond).toBeNull();
  expect(fit.sentence).not.toContain('tokens/s');
});

test('each model is tried with smaller weights before it is given up', () => {
  const fits = new Map(modelFits(device(8, 100)).map((fit) => [fit.model.name, fit]));
  expect(fits.get('Llama-3.2-1B')?.options.weights).toBe('f16');
  expect(fits.get('Llama-3.1-8B')).toMatchObject({ verdict: 'fits', options: { weights: 'q4_0' } });
  expect(fits.get('Llama-3.1-70B')).toMatchObject({ verdict: 'too large', options: { weights: 'q4_0' } });
  expect(weightBytes(known('Llama-3.1-8B'), 'q4_0')).toBe((8_030_261_248 * 4.5) / 8);
});

test('a check gives the device it measured; without a pool size there is none', () => {
  const measurement = { label: '', percentOfPeak: null, note: '', samples: [] };
  const check = checkRun({
    measurements: [
      { ...measurement, id: 'largest-pool', unit: 'B', value: 2 ** 31 },
      { ...measurement, id: 'read-bandwidth', unit: 'GB/s', value: 2.5 },
    ],
  });
  expect(deviceOfCheck(check)).toEqual({
    memoryBytes: { value: 2 ** 31, origin: 'measured' },
    readBytesPerSecond: { value: 2.5e9, origin: 'measured' },
  });
  expect(deviceOfCheck(checkRun())).toBeNull();
});

test('a published device gives published numbers', () => {
  const gpu = findGpu('rtx-4090');
  if (!gpu) throw new Error('No RTX 4090.');
  const fit = modelFit(known('Llama-3.1-8B'), deviceOfRecord(gpu));
  expect(fit.verdict).toBe('fits');
  expect(fit.sentence).toContain('22 GB usable of 24 GB (published); reading at 1,008 GB/s (published)');
});
