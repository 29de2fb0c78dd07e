import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import type { PlanChoice } from '../../../src/core/run/plan.ts';
import { refusedArgument, documentArguments, type FlagTable } from '../../../src/exchange/plan/flags.ts';
import { RENDER_TARGETS, renderSettings } from '../../../src/exchange/plan/settings.ts';
import { LLAMA_CPP_FLAGS } from '../../../src/exchange/plan/targets/llama-cpp.ts';
import { LLM_D_KEYS } from '../../../src/exchange/plan/targets/llm-d.ts';
import { LMCACHE_KEYS } from '../../../src/exchange/plan/targets/lmcache.ts';
import { SGLANG_FLAGS } from '../../../src/exchange/plan/targets/sglang.ts';
import { TENSORRT_FLAGS } from '../../../src/exchange/plan/targets/tensorrt-llm.ts';
import { TRANSFORMERS_JS_VALUES } from '../../../src/exchange/plan/targets/transformers-js.ts';
import { TRANSFORMERS_VALUES } from '../../../src/exchange/plan/targets/transformers.ts';
import { VLLM_FLAGS } from '../../../src/exchange/plan/targets/vllm.ts';
import { toyChoice } from '../../charts/plan-runs.ts';

/** `--flag value` pairs of a command, as a shell would split them; words without a flag before them are left out. */
function flagsOf(text: string): [string, string?][] {
  const words = text
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => !line.startsWith('#') && /serve|launch_server|llama-server/.test(line))
    .flatMap((line) => [...line.matchAll(/'((?:[^']|'\\'')*)'|"([^"]*)"|(\S+)/g)])
    .map(([, single, double, bare]) => single ?? double ?? bare ?? '');
  return words.flatMap((word, at): [string, string?][] => {
    if (!word.startsWith('--') || word === '--model-path') return [];
    const next = words[at + 1];
    return [next === undefined || next.startsWith('--') ? [word] : [word, next]];
  });
}

/** As the engine's own parser would read them: a word that is a number is one. */
function refused(table: FlagTable, flags: readonly [string, string?][]): string | null {
  return refusedArgument(
    table,
    flags.map(([flag, value]) => {
      const kind = table.flags[flag]?.kind;
      const number = kind === 'integer' || kind === 'number';
      return value === undefined ? [flag] : [flag, number ? Number(value) : value];
    }),
  );
}

const CHOICES: PlanChoice[] = (['bf16', 'fp8', 'int8', 'int4', 'mxfp4'] as const).flatMap((weights) =>
  (['bf16', 'fp8', 'int8', 'int4', 'int2'] as const).flatMap((kvFormat) =>
    [false, true].map((odd) =>
      toyChoice({
        weights,
        kvFormat,
        ...(odd && {
          tensorParallel: 4,
          pipelineParallel: 2,
          expertParallel: true,
          replicas: 3,
          blockSize: 24,
          offloadGB: 12.5,
          prefixCaching: false,
          memoryUtilization: 0.8765,
          speculation: { draftTokens: 4, acceptance: 0.7, draftCost: 0.1 },
          disaggregated: { prefillReplicas: 1, decodeReplicas: 2 },
        }),
      }),
    ),
  ),
);

describe('every flag of a rendered command, read back from its text, is one that the engine accepts', () => {
  test.each([
    { target: 'vllm', table: VLLM_FLAGS },
    { target: 'sglang', table: SGLANG_FLAGS },
    { target: 'tensorrt-llm', table: TENSORRT_FLAGS },
    { target: 'llama.cpp', table: LLAMA_CPP_FLAGS },
  ] as const)('$target', ({ target, table }) => {
    for (const choice of CHOICES) {
      const flags = flagsOf(renderSettings(choice, target).text);
      expect(flags.length).toBeGreaterThan(6);
      expect(refused(table, flags)).toBeNull();
    }
  });
});

describe('every key of a rendered YAML is one that its reader knows', () => {
  test.each([
    { target: 'lmcache', table: LMCACHE_KEYS },
    { target: 'llm-d', table: LLM_D_KEYS },
  ] as const)('$target', ({ target, table }) => {
    for (const choice of CHOICES) {
      const document: unknown = parse(renderSettings(choice, target).text);
      expect(refusedArgument(table, documentArguments({ ...(document as object) }))).toBeNull();
    }
  });

  test('TensorRT-LLM writes its YAML first and names it', () => {
    for (const choice of CHOICES) {
      const { text } = renderSettings(choice, 'tensorrt-llm');
      const [, yaml = ''] = /<<'YAML'\n([\s\S]*?)\nYAML\n/.exec(text) ?? [];
      expect(refusedArgument(TENSORRT_FLAGS, documentArguments({ ...parse(yaml) }))).toBeNull();
      expect(text).toContain('--config trtllm.yaml');
    }
  });
});

test('every target renders every choice, and says in words what it cannot', () => {
  for (const target of RENDER_TARGETS) {
    for (const choice of CHOICES) {
      const { text, notes, file } = renderSettings(choice, target);
      expect(text.endsWith('\n')).toBe(true);
      expect(file).toMatch(/^[\w.-]+$/);
      for (const note of notes) expect(text).toContain(note.slice(0, 30));
      if (choice.kvFormat === 'int2' && target !== 'lmcache' && target !== 'transformers') {
        expect(notes.join(' ')).toMatch(/two bits|int2/);
      }
    }
  }
});

test.each([
  { table: SGLANG_FLAGS, flag: '--kv-cache-dtype', value: 'int8' },
  { table: SGLANG_FLAGS, flag: '--tensor-parallel', value: 2 },
  { table: TENSORRT_FLAGS, flag: 'kv_cache_config.dtype', value: 'int8' },
  { table: LLAMA_CPP_FLAGS, flag: '--cache-type-k', value: 'fp8' },
  { table: LMCACHE_KEYS, flag: 'local_cpu', value: 'yes' },
  { table: LLM_D_KEYS, flag: 'decode.replica', value: 1 },
  { table: TRANSFORMERS_VALUES, flag: 'cache_implementation', value: 'paged' },
  { table: TRANSFORMERS_JS_VALUES, flag: 'dtype', value: 'bf16' },
])('$table.engine refuses $flag $value', ({ table, flag, value }) => {
  expect(refusedArgument(table, [[flag, value]])).toContain(table.engine);
});

test('every table names its engine’s version and the files that it was read from', () => {
  const tables = [VLLM_FLAGS, SGLANG_FLAGS, TENSORRT_FLAGS, LLAMA_CPP_FLAGS, LMCACHE_KEYS, LLM_D_KEYS];
  for (const { version, sources } of [...tables, TRANSFORMERS_VALUES, TRANSFORMERS_JS_VALUES]) {
    expect(version).not.toBe('');
    expect(sources.join(' ')).toMatch(/\.(py|js|cpp|ya?ml)/);
  }
});

test('llm-d: a pod for each replica, with the GPUs of one and vLLM’s arguments as a list', () => {
  const choice = toyChoice({ replicas: 3, tensorParallel: 2, gpus: 6, gpu: 'mi300x', weights: 'fp8' });
  const { text } = renderSettings(choice, 'llm-d', { weightsBytes: 4e9 });
  expect(parseAllDocuments(text)).toHaveLength(1);
  const values = parse(text);
  expect(values.decode).toMatchObject({ replicas: 3, parallelism: { tensor: 2 } });
  const [container] = values.decode.containers;
  expect(container.resources.limits).toEqual({ 'amd.com/gpu': '2' });
  expect(container.args).toEqual(
    expect.arrayContaining(['--quantization', 'fp8', '--enable-prefix-caching']),
  );
  expect(container.args).not.toContain('--tensor-parallel-size');
  expect(values.modelArtifacts.size).toBe('12Gi');
  expect(values.prefill).toEqual({ create: false, replicas: 0 });
});

test('llama.cpp: the context is that of all slots', () => {
  const { text } = renderSettings(toyChoice({ maxModelTokens: 2048, maxSequences: 8 }), 'llama.cpp');
  expect(text).toContain('--ctx-size 16384');
  expect(text).toContain('"${GGUF:?path of meta-llama/Llama-3.1-8B as GGUF in BF16}"');
});

test('transformers: a quantized cache has a backend and bits', () => {
  const { text } = renderSettings(toyChoice({ kvFormat: 'int4', weights: 'int8' }), 'transformers');
  expect(text).toContain('cache_config={"backend": "quanto", "nbits": 4}');
  expect(text).toContain('import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig');
});
