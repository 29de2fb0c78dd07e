/** All models: how many, found by whatever name, refused with the nearest. */
import { expect, test } from 'vitest';
import { ARCHITECTURES, findArchitecture } from '../../../src/core/model/architecture.ts';
import {
  ALL_MODELS,
  findAnyModel,
  nearestModels,
  unknownModelSentence,
} from '../../../src/core/model/catalogue.ts';
import { modelKey } from '../../../src/core/model/names.ts';

test('every id, name and alias finds its own record, and no two share one', () => {
  const owners = new Map<string, string>();
  for (const model of ALL_MODELS) {
    for (const name of new Set([model.id, model.name, ...(model.aliases ?? [])].map(modelKey))) {
      expect(owners.get(name) ?? model.id, name).toBe(model.id);
      owners.set(name, model.id);
      expect(findAnyModel(name.toUpperCase())?.id, name).toBe(model.id);
    }
  }
  expect(new Set(ALL_MODELS.map(({ id }) => id)).size).toBe(ALL_MODELS.length);
  expect(new Set(ALL_MODELS.map(({ name }) => name)).size).toBe(ALL_MODELS.length);
});

test('the small table is a part of it, unchanged', () => {
  expect(ALL_MODELS.slice(0, ARCHITECTURES.length)).toEqual(ARCHITECTURES);
  for (const { id } of ARCHITECTURES) expect(findAnyModel(id)).toBe(findArchitecture(id));
});

test.each([
  ['meta-llama/Llama-3.1-8B', 'llama-3.1-8b'],
  ['Meta-Llama-3.1-8B', 'llama-3.1-8b'],
  ['meta-llama/Llama-3.1-8B-Instruct', 'llama-3.1-8b'],
  ['LLAMA-3.1-8B', 'llama-3.1-8b'],
  ['meta-llama/Meta-Llama-3.1-70B-Instruct', 'llama-3.1-70b'],
  ['Qwen/Qwen2.5-7B-Instruct', 'qwen2.5-7b'],
  ['google/gemma-3-27b-it', 'gemma-3-27b'],
  ['google/gemma-2-9b-it', 'gemma-2-9b'],
  ['openai/gpt-oss-120b', 'gpt-oss-120b'],
  ['mistralai/Mixtral-8x7B-Instruct-v0.1', 'mixtral-8x7b'],
  ['deepseek-ai/DeepSeek-V3', 'deepseek-v3'],
  ['gpt2', 'gpt-2'],
  ['RedHatAI/Llama-3.1-8B-Instruct-FP8-dynamic', 'llama-3.1-8b'],
  ['neuralmagic/Meta-Llama-3.1-8B-Instruct-quantized.w4a16', 'llama-3.1-8b'],
  ['Qwen/Qwen2.5-7B-Instruct-GPTQ-Int4', 'qwen2.5-7b'],
  ['unsloth/gemma-3-27b-it-bnb-4bit', 'gemma-3-27b'],
  ['llama3.1:8b', 'llama-3.1-8b'],
  ['gemma3:27b', 'gemma-3-27b'],
  ['deepseek-r1:7b', 'deepseek-r1-distill-qwen-7b'],
  ['Qwen/Qwen3-30B-A3B-Instruct-2507', 'qwen3-30b-a3b-2507'],
])('%s is %s', (name, id) => {
  expect(findAnyModel(name)?.id).toBe(id);
});

test('an unknown one is refused with the nearest', () => {
  expect(findAnyModel('llama-3.2-8b')).toBeUndefined();
  expect(nearestModels('llama-3.2-8b').map(({ id }) => id)).toContain('llama-3.1-8b');
  expect(unknownModelSentence('lama-3.1-8b')).toMatch(
    /^The model “lama-3\.1-8b” is not known; the nearest are llama-3\.1-8b.* config\.json\.$/,
  );
  expect(unknownModelSentence('x'.repeat(5000)).length).toBeLessThan(300);
});
