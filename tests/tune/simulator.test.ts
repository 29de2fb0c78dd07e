/** The simulator as the executor: a tuning of a scenario that ships, end to end. */
import { expect, test } from 'vitest';
import { presetTuning } from '../../src/core/scenario/presets.ts';
import { resolveTuning } from '../../src/core/scenario/tune/resolved.ts';
import type { TuneScenario } from '../../src/core/scenario/tune/schema.ts';
import { createSimulatorExecutor, simulationOf, tune } from '../../src/tune/index.ts';

function small(name: string, change: Partial<TuneScenario> = {}): TuneScenario {
  const scenario = presetTuning(name);
  return {
    ...scenario,
    profile: { ...scenario.profile, contexts: [2048], outputs: [64, 128] },
    load: { ...scenario.load, users: 4, requests: 8 },
    budget: { ...scenario.budget, repeats: 2 },
    ...change,
  };
}

test('fp8 weights and KV win on an H100, and memory counts', { timeout: 30_000 }, async () => {
  const scenario = small('tune-chat-8b');
  const run = await tune(scenario, createSimulatorExecutor(scenario));
  const best = run.rows[run.ranking[0] ?? -1];
  expect(best?.settings).toMatchObject({ strategy: 'paged', kvFormat: 'fp8', weights: 'fp8' });
  expect(best?.gains?.memory).toBeGreaterThan(1.3);
  expect(best?.score?.value).toBeGreaterThan(120);
  expect(run.rows[0]?.score).toEqual({ value: 100, low: 100, high: 100 });
  expect(run.origin).toBe('simulated');
});

test('what can not fit is refused with the engine’s own sentence and never simulated', async () => {
  const scenario = small('tune-rag-8b', { hardware: { ...presetTuning('tune-rag-8b').hardware, gpu: 't4' } });
  await expect(tune(scenario, createSimulatorExecutor(scenario))).rejects.toThrow(/needs .* GB/);
});

test('a reserved cache is Orca’s, a growing one static batches, and a window is not the simulator’s', () => {
  const tuning = resolveTuning(small('tune-chat-8b'));
  const cell = { model: 'Llama-3.1-8B', context: 2048, output: 64 };
  const scheduler = (strategy: 'paged' | 'growing' | 'reserved'): string => {
    const settings = { ...tuning.baseline, strategy, prefixCaching: false };
    const made = simulationOf(tuning, settings, cell);
    return made.ok ? made.scenario.engine.scheduler : made.sentence;
  };
  expect([scheduler('paged'), scheduler('reserved'), scheduler('growing')]).toEqual([
    'vllm',
    'orca',
    'static',
  ]);
  const window = simulationOf(tuning, { ...tuning.baseline, strategy: 'sliding-window' }, cell);
  expect(window.ok ? '' : window.sentence).toMatch(/measure a sliding window with the engine/);
});

test('more memory than allowed makes a setting impossible', async () => {
  const scenario = small('tune-chat-8b');
  const limited = { ...scenario, budget: { ...scenario.budget, memoryGB: 15 } };
  const executor = createSimulatorExecutor(limited);
  await expect(tune(limited, executor)).rejects.toThrow(/more than the 15\.00 GB of budget\.memoryGB/);
});

test(
  'formats that the GPU has no arithmetic for are refused before anything is measured',
  { timeout: 30_000 },
  async () => {
    const preset = presetTuning('tune-chat-8b');
    const scenario = small('tune-chat-8b', { hardware: { ...preset.hardware, gpu: 'a100-80-sxm' } });
    const run = await tune(scenario, createSimulatorExecutor(scenario));
    const narrow = run.rows.filter(({ settings }) => [settings.weights, settings.kvFormat].includes('fp8'));
    expect(narrow.length).toBeGreaterThan(0);
    for (const { status, reason } of narrow) {
      expect(reason).toMatch(/no hardware support: A100 .* has no fp8 arithmetic/);
      expect(status).toBe('infeasible');
    }
    const best = run.rows[run.ranking[0] ?? -1];
    expect(best?.settings).toMatchObject({ weights: 'bf16', kvFormat: 'bf16' });
    const fp8 = { ...scenario, baseline: { ...scenario.baseline, weights: 'fp8' as const } };
    await expect(tune(fp8, createSimulatorExecutor(fp8))).rejects.toThrow(/No cell .* has no fp8 arithmetic/);
  },
);

test(
  'a model with states is tuned without prefix caching, and the run says why',
  { timeout: 30_000 },
  async () => {
    const scenario = small('tune-chat-8b', { models: ['Qwen3.5-27B'] });
    const run = await tune(scenario, createSimulatorExecutor(scenario));
    expect(run.rows.every(({ settings }) => !settings.prefixCaching)).toBe(true);
    expect(run.ranking.length).toBeGreaterThan(0);
    expect(run.notes.join(' ')).toMatch(/Prefix caching is off in all settings: .* keep a state/);
  },
);

test('a model that does not fit one GPU names what would make it fit, in the tuner’s words', async () => {
  const preset = presetTuning('tune-chat-8b');
  const tuned = async (gpu: string, tensorParallel: number) => {
    const scenario = small('tune-chat-8b', {
      models: ['Llama-3.1-70B'],
      hardware: { ...preset.hardware, gpu, tensorParallel },
      space: { maxSequences: [4, 8] },
    });
    return tune(scenario, createSimulatorExecutor(scenario));
  };
  await expect(tuned('h100-sxm', 1)).rejects.toThrow(
    /hardware\.tensorParallel [24].*baseline\.weights (fp8|int4)/,
  );
  await expect(tuned('a100-80-sxm', 1)).rejects.toThrow(/^(?!.*fp8).*hardware\.tensorParallel/s);
  expect((await tuned('h100-sxm', 4)).ranking.length).toBeGreaterThan(0);
});
