/** The room of a model without a DOM: what the form asks for, what is loaded and lost, what the cache's words say. */
import { expect, test } from 'vitest';
import { readModelConfig } from '../../src/engine/architectures/index.ts';
import { SHIPPED_MODEL } from '../../src/engine/shipped.ts';
import { kvBytesByFormat } from '../../src/lab/model/facts.ts';
import { blockTable, blockTableSentence, poolSentence } from '../../src/state/block-table.ts';
import { GpuState } from '../../src/state/gpu.svelte.ts';
import { ModelForm, NUMBER_FIELDS, type NumberName } from '../../src/state/model-form.svelte.ts';
import { ModelState } from '../../src/state/model.svelte.ts';
import type { GenerationUpdate, ModelFacts } from '../../src/workers/model-api.ts';
import { deferred, failed, fakeHost, FakeModel, FakeWorker, settle } from './doubles.ts';

const CONFIG = readModelConfig(
  {
    ...{ model_type: 'llama', architectures: ['LlamaForCausalLM'], hidden_size: 64, intermediate_size: 128 },
    ...{ num_hidden_layers: 2, num_attention_heads: 4, num_key_value_heads: 2, vocab_size: 256 },
    ...{ max_position_embeddings: 512, rms_norm_eps: 1e-5 },
  },
  'tiny',
);
const FACTS: ModelFacts = {
  ...{ source: 'shipped', config: CONFIG, parameters: 1000, weightFormat: 'f32', weightBytes: 4000 },
  ...{ kvBytesPerToken: kvBytesByFormat(CONFIG), poolBytes: 1e9, speaksText: true, speaksChat: false },
  ...{ adapter: 'a GPU', isFallback: false, loadMs: 5, notes: [] },
};
const UPDATE: GenerationUpdate = {
  ...{ tokens: [], caches: [], steps: 1, stepMs: 1, numRunning: 1, numWaiting: 0 },
  ...{ numBlocks: 64, numActiveBlocks: 6, numCachedBlocks: 0, resumed: 0 },
};

function room() {
  const model = new FakeModel();
  const host = fakeHost(new FakeWorker(), {}, model);
  return { model, host, state: new ModelState(new GpuState(host), 'http://page/') };
}

async function loaded() {
  const { model, host, state } = room();
  const loading = state.loadShipped();
  await settle();
  model.loads.resolve({ ok: true, value: FACTS });
  await loading;
  return { model, host, state };
}

test('entering loads the shipped model and answers its example, once', async () => {
  const { model, state } = room();
  void state.enter(true);
  await settle();
  expect([state.status, model.source]).toEqual(['loading', { kind: 'shipped', base: 'http://page/' }]);
  model.loads.resolve({ ok: true, value: FACTS });
  await settle();
  expect(state.run.status).toBe('running');
  expect(model.wish?.prompts).toEqual([{ kind: 'text', text: SHIPPED_MODEL.examplePrompt }]);
  expect(state.expected).toBe(SHIPPED_MODEL.exampleAnswer);
  model.wish = null;
  await state.enter(true);
  expect(model.wish).toBeNull();
});

test('a load that fails says so and leaves no model; the next one may be good', async () => {
  const { model, state } = room();
  const loading = state.load({ kind: 'files', files: [] });
  await settle();
  model.loads.resolve(failed('corrupt', 'model.safetensors is cut off: take the whole file.'));
  await loading;
  expect([state.status, state.fault?.text]).toEqual([
    'none',
    'model.safetensors is cut off: take the whole file.',
  ]);
  model.loads = deferred();
  const again = state.loadShipped();
  await settle();
  expect(state.fault).toBeNull();
  model.loads.resolve({ ok: true, value: FACTS });
  await again;
  expect(state.status).toBe('ready');
});

test('a cancelled load is no fault', async () => {
  const { model, state } = room();
  const loading = state.loadShipped();
  await settle();
  await state.cancelLoad();
  expect([state.status, model.cancelled]).toEqual(['stopping', 1]);
  model.loads.resolve(failed('cancelled', 'Cancelled.'));
  await loading;
  expect([state.status, state.fault]).toEqual(['none', null]);
});

test('a device that does not come back takes the model with it; a bad wish does not', async () => {
  for (const { code, status } of [
    { code: 'device-lost', status: 'none' },
    { code: 'bad-wish', status: 'ready' },
  ]) {
    const { model, state } = await loaded();
    state.form.prompts = ['Hi'];
    const run = state.generate();
    await settle();
    model.generations.resolve(failed(code, 'A sentence.'));
    await run;
    expect([code, state.status, state.run.status]).toEqual([code, status, 'failed']);
    expect(state.run.fault?.text).toMatch(/\.$/);
  }
});

test('tokens are kept as they come, and a stopped generation keeps them', async () => {
  const { model, state } = await loaded();
  state.form.prompts = ['Hi'];
  const run = state.generate();
  await settle();
  const token = { sequence: 0, atMs: 5, finished: 'no' as const };
  model.update({ ...UPDATE, tokens: [{ ...token, token: 3, text: 'on' }] });
  model.update({ ...UPDATE, tokens: [{ ...token, token: 4, text: 'ce', atMs: 9 }] });
  expect(state.run.sequences[0]).toMatchObject({ text: 'once', tokens: [3, 4], timesMs: [5, 9] });
  await state.run.stop();
  expect(state.run.status).toBe('stopping');
  model.held = FACTS;
  model.generations.resolve(failed('cancelled', 'Cancelled.'));
  await run;
  expect([state.run.status, state.run.fault, state.status]).toEqual(['stopped', null, 'ready']);
  expect(state.run.sequences[0]?.text).toBe('once');
});

test.each([
  { name: 'maxTokens', text: 'none', says: 'New tokens is “none”: a whole number is needed.' },
  { name: 'maxTokens', text: '', says: 'New tokens is “”: a whole number is needed.' },
  { name: 'samples', text: '17', says: 'Samples is 17; the most is 16.' },
  { name: 'temperature', text: '-1', says: 'Temperature is -1; the least is 0.' },
  { name: 'topP', text: '0', says: 'Top-p is 0; the least is 0.01.' },
  { name: 'topK', text: '1.5', says: 'Top-k is “1.5”: a whole number is needed.' },
  { name: 'seed', text: '1e99', says: 'Seed is 1e99; the most is 4294967295.' },
  { name: 'budgetTokens', text: '8', says: 'Budget is 8; the least is 16.' },
] as const)('$name “$text” is a sentence', ({ name, text, says }) => {
  const form = new ModelForm();
  form.prompts = ['Hi'];
  expect(form.wish.ok).toBe(true);
  form.numbers[name] = text;
  form.policy = 'h2o';
  expect(form.wish).toEqual({ ok: false, sentence: says });
});

test('every number of the form reads as it stands at first', () => {
  const form = new ModelForm();
  for (const name of Object.keys(NUMBER_FIELDS) as NumberName[]) expect(form.problemOf(name)).toBeNull();
  expect(form.wish).toMatchObject({ ok: false, sentence: 'The prompt is empty: write some text.' });
});

test('a field that is not shown stops nothing', () => {
  const form = new ModelForm();
  form.prompts = ['Hi'];
  form.numbers.budgetTokens = 'none';
  expect(form.wish).toMatchObject({ ok: true });
});

test('blocks are reused where they can be shared, and the form says where they can’t', () => {
  const form = new ModelForm();
  form.prompts = ['Hi'];
  const reuses = () => form.wish.ok && form.wish.value.cache.prefixCaching;
  expect([reuses(), form.prefixProblem]).toEqual([true, null]);
  form.policy = 'quest';
  expect([reuses(), form.prefixProblem]).toEqual([true, null]);
  form.policy = 'streaming-llm';
  expect([reuses(), form.prefixProblem]).toEqual([false, expect.stringContaining('policy moves tokens')]);
  form.policy = 'none';
  form.kvFormat = 'int2';
  expect([reuses(), form.prefixProblem]).toEqual([false, expect.stringContaining('int2')]);
  form.kvFormat = 'f32';
  form.contiguous = true;
  expect([reuses(), form.prefixProblem]).toEqual([false, expect.stringContaining('contiguous')]);
});

test('a block table as cells and as a sentence', () => {
  const cache = {
    ...{ sequence: 0, blocks: [4, 7, 9], references: [2, 1, 1], storedTokens: 40, evictedTokens: 3 },
    cachedTokens: 16,
  };
  expect(blockTable(cache, 16, 2)).toEqual({
    cells: [
      { block: 4, filled: 16, references: 2 },
      { block: 7, filled: 16, references: 1 },
    ],
    more: 1,
    evictedTokens: 3,
  });
  expect(blockTableSentence(cache, 16)).toBe(
    '40 tokens in 3 blocks of 16; 1 shared with other sequences; 16 prompt tokens were found in the prefix cache; 3 tokens evicted.',
  );
  expect(poolSentence(UPDATE, true)).toBe('Pool: 6 of 64 blocks in use; 1 sequence runs.');
  expect(poolSentence({ ...UPDATE, numRunning: 3, numWaiting: 1, numCachedBlocks: 2 }, true)).toBe(
    'Pool: 6 of 64 blocks in use, 2 kept for prompts that begin alike; 3 sequences run, 1 waits.',
  );
  expect(poolSentence(UPDATE, false)).toBe('Pool at the last step: 6 of 64 blocks in use.');
});
