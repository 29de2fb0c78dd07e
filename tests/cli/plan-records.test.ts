/** --model and --gpu of a plan: a name, a config.json, a hardware check; each refusal is one sentence. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { modelLayer, namedGpu } from '../../src/cli/plan-records.ts';
import { checkRun } from '../support/runs.ts';

const CONFIG = {
  model_type: 'qwen3',
  hidden_size: 1024,
  intermediate_size: 3072,
  num_hidden_layers: 28,
  num_attention_heads: 16,
  num_key_value_heads: 8,
  head_dim: 128,
  vocab_size: 151_936,
  max_position_embeddings: 40_960,
  tie_word_embeddings: true,
};

let folder = '';
const at = (...names: string[]): string => join(folder, ...names);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvlab-records-'));
  mkdirSync(at('My-Model'));
  writeFileSync(at('My-Model', 'config.json'), JSON.stringify(CONFIG));
  writeFileSync(at('other.json'), JSON.stringify({ ...CONFIG, num_attention_heads: -1 }));
  writeFileSync(at('stranger.json'), JSON.stringify({ ...CONFIG, model_type: 'wavelet' }));
  writeFileSync(at('cut.json'), JSON.stringify(CONFIG).slice(0, 60));
  const [first] = checkRun().measurements;
  if (!first) throw new Error('The check has no measurement.');
  const measured = (id: string, value: number) => ({ ...first, id, value });
  const measurements = [measured('read-bandwidth', 100), measured('fma-f32', 2500)];
  writeFileSync(at('check.json'), JSON.stringify(checkRun({ measurements })));
  writeFileSync(at('short.json'), JSON.stringify(checkRun({ measurements: [] })));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('a known model stays a name, in whatever case', () => {
  expect(modelLayer('meta-llama/Llama-3.1-8B')).toEqual({
    model: 'meta-llama/Llama-3.1-8B',
    architecture: null,
  });
  expect(modelLayer(null)).toEqual({});
});

test('a config.json, or the folder it lies in, is a model of its own', () => {
  for (const path of [at('My-Model', 'config.json'), at('My-Model')])
    expect(modelLayer(path)).toMatchObject({
      model: 'my-model',
      architecture: { name: 'My-Model', hidden: 1024 },
    });
});

test.each([
  [() => modelLayer('lama-3.1-8b'), /“lama-3\.1-8b” is not known; the nearest are llama-3\.1-8b/],
  [
    () => modelLayer(at('none.json')),
    /none\.json can't be read .*; --model takes a known model or its config\.json\.$/,
  ],
  [() => modelLayer(at('other.json')), /num_attention_heads is -1; it must be a whole number/],
  [() => modelLayer(at('cut.json')), /config\.json/],
  [() => namedGpu(at('short.json')), /has no read bandwidth; run it again/],
  [() => namedGpu(at('other.json')), /other\.json/],
])('refused: %#', (act, sentence) => {
  expect(act).toThrow(sentence);
});

test('a hardware check is this GPU', () => {
  expect(namedGpu('H100')).toEqual({ gpu: 'H100', custom: null });
  expect(namedGpu(at('check.json'))).toMatchObject({
    gpu: null,
    custom: { id: 'this-gpu', bandwidthGBps: 100 },
  });
});

test('an architecture that is not known is refused with what would read it, and read with that', () => {
  const path = at('stranger.json');
  expect(() => modelLayer(path)).toThrow(
    /“wavelet”, an architecture that is not known .* --as llama reads them so\.$/,
  );
  expect(modelLayer(path, 'llama')).toMatchObject({ architecture: { hidden: 1024 } });
  expect(() => modelLayer(path, 'rwkv')).toThrow(/--as is “rwkv”; there is llama/);
});
