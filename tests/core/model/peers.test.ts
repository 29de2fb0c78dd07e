/**
 * Every model that five existing tools name has a record here, with the KV bytes that it really has.
 *
 * Names: h9-tec/KV-planner `model_catalog.py` (0.3), Keyvanhardani/kvcache-autotune `multi_model_benchmark.py`,
 * Siddhant-K-code/kv-cache-profiler README, kv-optkit's and sagellm's demonstrations.
 */
import { describe, expect, test } from 'vitest';
import { mixerBytesPerToken } from '../../../src/core/kv/layers.ts';
import { findAnyModel } from '../../../src/core/model/catalogue.ts';
import { architectureParams } from '../../../src/core/model/parameters.ts';

const KV_PLANNER = [
  'llama-3.2-1b',
  'llama-3.2-3b',
  'llama-3-8b',
  'llama-3-70b',
  'qwen2.5-3b',
  'qwen2.5-7b',
  'qwen2.5-14b',
  'qwen2.5-32b',
  'qwen2.5-72b',
  'qwen2.5-coder-7b',
  'qwen2.5-coder-14b',
  'mistral-7b-v0.3',
  'deepseek-r1-distill-7b',
  'deepseek-r1-distill-14b',
  'deepseek-r1-distill-32b',
  'phi-4-14b',
  'aya-expanse-8b',
  'aya-expanse-35b',
  'mixtral-8x7b',
  'qwen3-30b-a3b',
  'qwen3-235b-a22b',
  'deepseek-v2-lite',
  'gemma-2-9b',
  'qwen3-4b',
];

const AUTOTUNE = [
  'gpt2',
  'Qwen/Qwen2.5-0.5B-Instruct',
  'microsoft/phi-1_5',
  'Qwen/Qwen2.5-1.5B-Instruct',
  'google/gemma-2b',
  'meta-llama/Llama-3.2-1B-Instruct',
  'meta-llama/Llama-3.2-3B-Instruct',
  'Qwen/Qwen2.5-3B-Instruct',
  'microsoft/phi-2',
  'Qwen/Qwen2-VL-2B-Instruct',
];

const PROFILER = [
  'facebook/opt-1.3b',
  'gpt2',
  'microsoft/DialoGPT-medium',
  'meta-llama/Llama-3.1-8B-Instruct',
  'meta-llama/Llama-4-Scout-17B-16E-Instruct',
  'meta-llama/Llama-3.1-70B-Instruct',
  'meta-llama/Llama-3.1-405B-Instruct',
];

const OTHERS = ['meta-llama/Llama-2-7b-hf', 'TinyLlama/TinyLlama-1.1B-Chat-v1.0', 'Llama-3.2-1B'];

test.each([...new Set([...KV_PLANNER, ...AUTOTUNE, ...PROFILER, ...OTHERS])])('%s', (name) => {
  expect(findAnyModel(name)).toBeDefined();
});

test('a model that does not exist is not found', () => {
  // KV-planner's README plans Llama-3.2-8B and 70B, which nobody published.
  expect(findAnyModel('meta-llama/Llama-3.2-8B-Instruct')).toBeUndefined();
  expect(findAnyModel('meta-llama/Llama-3.2-70B-Instruct')).toBeUndefined();
});

/** KV bytes of a token in bf16; three of them were 2 to 7 times off in that table. */
describe('bytes of a token', () => {
  test.each([
    ['llama-3-8b', 131_072],
    ['llama-3-70b', 327_680],
    ['qwen2.5-7b', 57_344],
    ['qwen3-30b-a3b', 98_304],
    ['qwen3-235b-a22b', 192_512],
    ['deepseek-v2-lite', 31_104],
  ])('%s: %i', (name, bytes) => {
    const kinds = findAnyModel(name)?.kinds ?? [];
    expect(
      kinds.reduce((sum, { layers, mixer }) => sum + layers * mixerBytesPerToken(mixer, 'bf16'), 0),
    ).toBe(bytes);
  });
});

/** Tied embeddings counted once, in billions; that table counted them twice. */
test.each([
  ['llama-3.2-1b', 1.24],
  ['llama-3.2-3b', 3.21],
  ['qwen2.5-3b', 3.09],
])('%s has %f billion parameters', (name, billions) => {
  const model = findAnyModel(name);
  if (!model) throw new Error(`No ${name}.`);
  expect(architectureParams(model).total / 1e9).toBeCloseTo(billions, 2);
});
