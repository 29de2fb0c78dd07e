/** Architectures: parameters against the published counts and the exact vectors. */
import { expect, test } from 'vitest';
import {
  ARCHITECTURES,
  architectureNames,
  architectureOf,
  findArchitecture,
  layerCount,
  type Architecture,
} from '../../../src/core/model/architecture.ts';
import {
  architectureParams,
  architectureWeightBytes,
  expectedDistinctExperts,
} from '../../../src/core/model/parameters.ts';
import { MODELS } from '../../../src/core/model/records.ts';
import { paramCount } from '../../../src/core/model/weights.ts';
import { isWithin, vectors } from '../../golden/vectors.ts';

function known(name: string): Architecture {
  const model = findArchitecture(name);
  if (!model) throw new Error(`No architecture ${name}.`);
  return model;
}

test('every kind of layer has a model, each model a source and a name of its own', () => {
  expect(ARCHITECTURES.length).toBeGreaterThanOrEqual(35);
  expect(new Set(ARCHITECTURES.map(({ id }) => id)).size).toBe(ARCHITECTURES.length);
  expect(new Set(architectureNames()).size).toBe(ARCHITECTURES.length);
  const mixers = new Set(ARCHITECTURES.flatMap(({ kinds }) => kinds.map(({ mixer }) => mixer.kind)));
  expect([...mixers].sort()).toEqual(['chunked', 'delta', 'full', 'latent', 'mamba', 'none', 'sliding']);
  expect(findArchitecture('gpt-9')).toBeUndefined();
});

test('a dense row keeps its parameters, biases aside', () => {
  for (const model of MODELS) {
    const { total } = architectureParams(architectureOf(model));
    const exact = paramCount(model).total;
    if (model.attentionBias === 'none' && !model.mlpBias) expect(total, model.name).toBe(exact);
    // OPT's learned positions are three thousandths of it.
    else expect(Math.abs(total / exact - 1), model.name).toBeLessThan(0.004);
  }
});

/** Layers, and billions of parameters in all and of one token, as model cards and reports print them. */
test.each([
  ['Llama-2-7B', 32, 6.74, 6.74],
  ['Llama-3.1-405B', 126, 405.9, 405.9],
  ['Mistral-7B-v0.1', 32, 7.24, 7.24],
  ['Gemma-3-27B', 62, 27.0, 27.0],
  ['gpt-oss-20b', 24, 20.9, 4.2],
  ['gpt-oss-120b', 36, 116.8, 5.7],
  ['Gemma-4-26B-A4B', 30, 25.2, 3.8],
  ['MiMo-V2-Flash', 48, 309, 15.4],
  ['Mixtral-8x7B', 32, 46.7, 12.9],
  ['Mixtral-8x22B', 56, 140.6, 39.1],
  ['Qwen3-30B-A3B', 48, 30.5, 3.35],
  ['Qwen3-235B-A22B', 94, 235, 22],
  ['Qwen3-Coder-480B-A35B', 62, 480, 35.4],
  ['DeepSeek-V2-Lite', 27, 15.7, 2.66],
  ['DeepSeek-V3', 61, 671, 37.5],
  ['Kimi-K2', 61, 1026, 32.8],
  ['Qwen3.5-27B', 64, 27, 27],
  ['Nemotron-3-Nano-30B-A3B', 52, 31.6, 3.6],
  ['Nemotron-H-56B', 118, 56.3, 56.3],
])('%s has %i layers, %f and %f billion parameters', (name, layers, total, active) => {
  const model = known(name);
  expect(layerCount(model)).toBe(layers);
  const params = architectureParams(model);
  expect(Math.abs(params.total / (total * 1e9) - 1)).toBeLessThan(0.01);
  expect(Math.abs(params.active / (active * 1e9) - 1)).toBeLessThan(0.01);
});

test.each(vectors('weights/').filter(({ fn }) => fn === 'moeParamCount'))('$id', ({ input, expected }) => {
  const n = (name: string) => Number(input[name]);
  const { total, active } = architectureParams({
    ...known('Mixtral-8x7B'),
    hidden: n('hidden'),
    vocab: n('vocab'),
    tiedEmbeddings: false,
    qkNorm: input['qk_norm'] === true,
    kinds: [
      {
        layers: n('layers'),
        mixer: {
          kind: 'full',
          queryHeads: n('heads'),
          kvHeads: n('kv_heads'),
          keyDim: n('head_dim'),
          valueDim: n('head_dim'),
        },
        mlp: {
          kind: 'experts',
          experts: n('experts'),
          activeExperts: n('top_k'),
          intermediate: n('expert_inter'),
          sharedIntermediate: 0,
        },
      },
    ],
  });
  expect({ total, active }).toEqual(expected);
});

test.each(vectors('moe/'))('$id', ({ input, expected, tol }) => {
  const distinct = expectedDistinctExperts(
    Number(input['experts']),
    Number(input['top_k']),
    Number(input['tokens']),
  );
  expect(isWithin(distinct, expected, tol)).toBe(true);
});

test('quantised weights keep the embedding and the output layer in bf16', () => {
  const llama = known('Llama-3.1-8B');
  const { total } = architectureParams(llama);
  expect(architectureWeightBytes(llama, 'bf16')).toBe(2 * total);
  const kept = 2 * 128_256 * 4096 + (32 * 2 + 1) * 4096;
  expect(architectureWeightBytes(llama, 'int8')).toBe(total - kept + 2 * kept);
  expect(architectureWeightBytes(llama, 'int4')).toBe(((total - kept) * 4.125) / 8 + 2 * kept);
});
