import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { refusedArgument } from '../../../src/exchange/plan/flags.ts';
import { renderSettings } from '../../../src/exchange/plan/settings.ts';
import { VLLM_FLAGS, vllmArguments } from '../../../src/exchange/plan/targets/vllm.ts';
import { toyChoice } from '../../charts/plan-runs.ts';

test('a plan as the command that starts it', () => {
  const { text, notes, language } = renderSettings(toyChoice(), 'vllm');
  expect(notes).toEqual([]);
  expect(language).toBe('shell');
  expect(text).toBe(
    `${[
      'vllm serve meta-llama/Llama-3.1-8B',
      '--tensor-parallel-size 1',
      '--dtype bfloat16',
      '--kv-cache-dtype auto',
      '--block-size 16',
      '--gpu-memory-utilization 0.9',
      '--max-model-len 4096',
      '--max-num-seqs 128',
      '--max-num-batched-tokens 8192',
      '--enable-prefix-caching',
    ].join(' \\\n  ')}\n`,
  );
});

test.each([
  { gpu: 't4', dtype: 'float16' },
  { gpu: 'v100-sxm-32', dtype: 'float16' },
  { gpu: 'a100-80-sxm', dtype: 'bfloat16' },
  { gpu: 'mi300x', dtype: 'bfloat16' },
])('a GPU without bfloat16 is not asked for it: $gpu', ({ gpu, dtype }) => {
  for (const target of ['vllm', 'sglang'] as const) {
    expect(renderSettings(toyChoice({ gpu }), target).text).toContain(`--dtype ${dtype}`);
  }
  expect(renderSettings(toyChoice({ gpu }), 'transformers').text).toContain(`dtype=torch.${dtype}`);
});

test('PyTorch is told the device of the maker', () => {
  expect(renderSettings(toyChoice({ gpu: 'm3-max' }), 'transformers').text).toContain('device_map="mps"');
  expect(renderSettings(toyChoice({ gpu: 'arc-b580' }), 'transformers').text).toContain('device_map="xpu"');
});

test('the same plan as YAML says the same', () => {
  const { text } = renderSettings(toyChoice({ prefixCaching: false, kvFormat: 'fp8' }), 'vllm-yaml');
  expect(parse(text)).toEqual({
    model: 'meta-llama/Llama-3.1-8B',
    'tensor-parallel-size': 1,
    dtype: 'bfloat16',
    'kv-cache-dtype': 'fp8',
    'block-size': 16,
    'gpu-memory-utilization': 0.9,
    'max-model-len': 4096,
    'max-num-seqs': 128,
    'max-num-batched-tokens': 8192,
    'no-enable-prefix-caching': true,
  });
});

test('weights that vLLM only reads ask for a checkpoint instead of serving another format', () => {
  const { text, notes } = renderSettings(toyChoice({ weights: 'int4' }), 'vllm');
  expect(text).toContain('vllm serve "${INT4_MODEL:?name a checkpoint of meta-llama/Llama-3.1-8B in AWQ');
  expect(text).not.toMatch(/--quantization|--dtype/);
  expect(notes.join(' ')).toContain('needs a checkpoint');
});

test.each([
  { flag: '--dtype', value: 'float8_e4m3fn' },
  { flag: '--quantization', value: 'INT4' },
  { flag: '--kv-cache-dtype', value: 'int8' },
  { flag: '--max-num-seqs', value: 0 },
  { flag: '--swap', value: 4 },
])('what vLLM refuses is found: $flag $value', ({ flag, value }) => {
  expect(refusedArgument(VLLM_FLAGS, [[flag, value]])).toContain(flag);
});

test('every choice of formats and sizes gives arguments that vLLM accepts', () => {
  for (const weights of ['bf16', 'fp8', 'int8', 'int4', 'mxfp4'] as const) {
    for (const kvFormat of ['bf16', 'fp8', 'int8', 'int4', 'int2'] as const) {
      for (const blockSize of [1, 16, 24, 4096]) {
        const choice = toyChoice({ weights, kvFormat, blockSize, offloadGB: 100, maxSequences: 10_000 });
        expect(refusedArgument(VLLM_FLAGS, vllmArguments(choice))).toBeNull();
      }
    }
  }
});

test('offloaded memory is of all ranks together, drafts and roles are JSON', () => {
  const choice = toyChoice({
    tensorParallel: 4,
    offloadGB: 64,
    speculation: { draftTokens: 5, acceptance: 0.7, draftCost: 0 },
    disaggregated: { prefillReplicas: 2, decodeReplicas: 3 },
  });
  const { text } = renderSettings(choice, 'vllm');
  expect(text).toContain('--kv-offloading-size 238.41');
  expect(text).toContain(`'{"method":"ngram","num_speculative_tokens":5,"prompt_lookup_max":4}'`);
  expect(text.match(/^vllm serve/gm)).toHaveLength(2);
  expect(text).toContain('# Decode, 3 of these:');
});

test('a model named by its record is served from its makers’ repository, and an unknown one says so', () => {
  expect(renderSettings(toyChoice({ model: 'qwen3-32b' }), 'vllm').text).toContain(
    'vllm serve Qwen/Qwen3-32B ',
  );
  expect(renderSettings(toyChoice({ model: 'gemma-4-31b' }), 'vllm').text).toContain('google/gemma-4-31B-it');
  expect(renderSettings(toyChoice({ model: 'my-own' }), 'vllm').notes).toEqual([
    'No repository of my-own is known: put the name of one, or a folder, in its place.',
  ]);
  expect(renderSettings(toyChoice({ model: 'my-own' }), 'vllm', { repository: 'models/own' }).notes).toEqual(
    [],
  );
});
