/** The tuner on real kernels: a small model under load, and the attention kernels alone. */
import { beforeAll, expect, test } from 'vitest';
import { parseRun } from '../../src/core/run/parse.ts';
import type { TuneRun } from '../../src/core/run/tune.ts';
import { DEFAULT_TUNING } from '../../src/core/scenario/tune/defaults.ts';
import type { TuneScenario } from '../../src/core/scenario/tune/schema.ts';
import { randomModel } from '../../src/engine/weights/random.ts';
import { ModelSession } from '../../src/lab/model/session.ts';
import type { ModelSource } from '../../src/lab/model/types.ts';
import type { GenerationBackend } from '../../src/lab/serving/backend.ts';
import { tuneOnGpu } from '../../src/tune/index.ts';
import { testHost } from '../lab/support.ts';
import { llamaConfigJson, safetensorsFile, tensorsOf } from '../support/model-files.ts';
import { SMALL_CONFIGS } from '../support/small-models.ts';

const CONFIG = SMALL_CONFIGS.qwen2;
const NO_PEER = 'transformers.js is not here.';

let source: ModelSource;
beforeAll(async () => {
  const weights = safetensorsFile(await tensorsOf(randomModel(CONFIG, 4)));
  const blob = (content: string | Uint8Array): Blob =>
    new Blob([typeof content === 'string' ? content : new Uint8Array(content)]);
  source = {
    kind: 'files',
    files: [
      { path: 'm/config.json', blob: blob(llamaConfigJson(CONFIG)) },
      { path: 'm/model.safetensors', blob: blob(weights) },
    ],
  };
});

const signal = new AbortController().signal;

function tuning(change: Partial<TuneScenario>): TuneScenario {
  return {
    ...DEFAULT_TUNING,
    profile: { name: 'custom', contexts: [16], outputs: [4], weights: null },
    load: { users: 2, requests: 2, spread: 0.25, shared: 0 },
    budget: { ...DEFAULT_TUNING.budget, repeats: 1, share: 1 },
    ...change,
  };
}

/** Another engine on the same model, which answers at once. */
const peer = (): Promise<GenerationBackend> =>
  Promise.resolve({
    name: 'another engine',
    kvBytes: 1000,
    load: () => Promise.resolve(),
    generate: (_prompt, tokens) => {
      const tokenTimesMs = Array.from({ length: tokens }, (_, i) => 2 + i);
      return Promise.resolve({ ttftMs: 2, tokenTimesMs, tokens: tokenTimesMs.map(() => 1) });
    },
    dispose: () => Promise.resolve(),
  });

async function onModel(scenario: TuneScenario, resume: TuneRun | null = null): Promise<TuneRun> {
  const host = testHost();
  const hooks = { signal, onUpdate: () => undefined };
  const session = await ModelSession.load(host, source, { weightFormat: 'f32', budgetBytes: null }, hooks);
  try {
    return await tuneOnGpu(scenario, {
      host,
      session,
      peer,
      signal,
      resume,
      onProgress: () => undefined,
    });
  } finally {
    session.unload();
  }
}

test('the engine: pages, a reservation, a window and other weights are measured; what can not be is refused', async () => {
  const scenario = tuning({
    executor: 'engine',
    baseline: { tier: 'no-subgroups', maxSequences: 2, tokenBudget: 32 },
    space: {
      strategy: ['paged', 'reserved', 'sliding-window', 'growing'],
      evictionTokens: [12],
      weights: ['f32', 'int8'],
      backend: ['ours', 'transformers.js'],
    },
  });
  const run = await onModel(scenario);
  expect(parseRun(JSON.parse(JSON.stringify(run))).ok).toBe(true);
  expect(run.origin).toBe('measured');
  expect(run.environment?.runtime).toBe('test');
  const measured = run.rows.filter(({ score }) => score !== null);
  expect(measured.map(({ settings }) => `${settings.strategy} ${settings.weights}`).sort()).toEqual([
    'growing f32',
    'paged f32',
    'paged int8',
    'reserved f32',
    'reserved int8',
    'sliding-window f32',
    'sliding-window int8',
  ]);
  for (const { metrics, startupMs } of measured) {
    expect(metrics?.ttftMs).toBeGreaterThan(0);
    expect(metrics?.outputTokensPerSecond).toBeGreaterThan(0);
    expect(startupMs).toBeGreaterThan(0);
  }
  const bytes = (label: string): number =>
    run.rows.find((row) => row.label === label)?.metrics?.memoryBytes ?? NaN;
  expect(bytes('weights int8')).toBeLessThan(bytes('baseline'));
  expect(bytes('cache reserved')).toBeGreaterThanOrEqual(bytes('baseline'));
  const growing = run.rows.find(
    ({ settings }) => settings.strategy === 'growing' && settings.backend === 'ours',
  );
  expect(growing?.reason).toMatch(/A cache that grows is transformers\.js’s/);
  // The baseline stands before and behind the others of a block.
  expect(run.counts.anchors).toBe(run.cells.length);
  const again = await onModel(scenario, run);
  expect(again.samples).toEqual(run.samples);
});

test('the kernels: formats in the shape of a model, each held against its twin before', async () => {
  const scenario = tuning({
    executor: 'kernels',
    models: ['Llama-3.2-1B'],
    baseline: { maxSequences: 2, tier: 'no-subgroups', splits: 2 },
    space: { kvFormat: ['f16', 'int4'], tier: ['no-subgroups', 'cpu'] },
    profile: { name: 'custom', contexts: [64], outputs: [8], weights: null },
  });
  const host = testHost();
  const run = await tuneOnGpu(scenario, {
    ...{ host, session: null, peer: NO_PEER, signal, resume: null, onProgress: () => undefined },
  });
  const row = (label: string) => run.rows.find((one) => one.label === label);
  expect(row('KV int4')?.gains?.memory).toBeGreaterThan(3);
  expect(row('KV int4')?.metrics?.outputTokensPerSecond).toBeGreaterThan(0);
  expect(row('tier cpu')?.reason).toMatch(/plain twin/);
  expect(run.complete).toBe(true);
  // The device was given back.
  await expect(host.opened[0]?.device.lost).resolves.toMatchObject({ reason: 'destroyed' });
});
