/** The real engine as an autopilot's plant: what every action does, and that nothing is left of what is undone. */
import { beforeAll, describe, expect, it } from 'vitest';
import { runAutopilot } from '../../../src/autopilot/controller/index.ts';
import { runAutopilotScenario } from '../../../src/autopilot/run.ts';
import type { EnginePlant } from '../../../src/autopilot/engine/plant.ts';
import type { Applied } from '../../../src/autopilot/plant.ts';
import { createRandom, type Random } from '../../../src/core/random.ts';
import type { KvAction } from '../../../src/core/scenario/autopilot/action.ts';
import type { AutopilotScenario } from '../../../src/core/scenario/autopilot/schema.ts';
import { parseRun } from '../../../src/core/run/parse.ts';
import type { LoadedModel } from '../../../src/engine/weights-types.ts';
import type { Gpu } from '../../../src/gpu/context.ts';
import { openTestGpu } from '../../support/gpu.ts';
import { shippedModel } from '../../support/shipped-model.ts';
import { contents, distance, openPlant, outputs, scenarioOf, until } from './support.ts';

const ACTIONS: readonly KvAction[] = [
  { kind: 'quantize', sequence: 'r0', from: 0, to: 64, format: 'int8' },
  { kind: 'quantize', sequence: 'r0', from: 16, to: 64, format: 'int2' },
  { kind: 'evict', sequence: 'r1', from: 16, to: 48 },
  { kind: 'offload', sequence: 'r2', from: 0, to: 80, tier: 'host' },
  { kind: 'concurrency', maxSequences: 2 },
  { kind: 'admission', belowUse: 0.5 },
  { kind: 'chunk', tokenBudget: 64 },
];

const signal = new AbortController().signal;
let gpu: Gpu;
let model: LoadedModel;
let untouched: number[][];
let right: { readonly right: number; readonly total: number };
const open = (scenario: AutopilotScenario, autopilot = true) =>
  openPlant({ gpu, model }, scenario, autopilot);

beforeAll(async () => {
  gpu = await openTestGpu();
  model = await shippedModel(gpu);
  const plant = await open(scenarioOf(), false);
  untouched = await outputs(plant);
  right = plant.judged();
  plant.destroy();
});

describe('an action on the engine', () => {
  it('of each kind is undone, so that no word of KV and no later token differs', async () => {
    const plant = await open(scenarioOf());
    await until(plant, 5);
    const applied: Applied[] = [];
    const before = [await contents(plant), plant.digest()];
    for (const action of ACTIONS) {
      expect(plant.price(action)).toMatchObject({ ok: true });
      applied.push(await plant.apply(action));
      plant.check();
    }
    expect(await contents(plant)).not.toBe(before[0]);
    expect(plant.digest()).not.toBe(before[1]);
    await plant.undo(applied);
    plant.check();
    expect([await contents(plant), plant.digest()]).toEqual(before);
    expect(await outputs(plant)).toEqual(untouched);
    plant.destroy();
  });

  it('that is undone late leaves what was computed meanwhile to be computed again', async () => {
    const plant = await open(scenarioOf());
    await until(plant, 5);
    const applied = [
      await plant.apply({ kind: 'quantize', sequence: 'r0', from: 0, to: 96, format: 'int2' }),
    ];
    await until(plant, 14);
    const had = plant.outputOf(0).length;
    await plant.undo(applied);
    plant.check();
    const [r0] = plant.sequences();
    expect(plant.price({ kind: 'evict', sequence: 'r0', from: 0, to: 16 })).toMatchObject({ ok: false });
    expect(r0?.parts).toEqual([{ from: 0, to: r0?.tokens, tier: 'hbm', format: 'f32' }]);
    await until(plant, had + 2, [0]);
    const twin = await open(scenarioOf(), false);
    await until(twin, had + 2, [0]);
    // The same tokens were said, so all of the KV is that of a run that never acted, but for the order of sums.
    expect(plant.outputOf(0).slice(0, had)).toEqual(untouched[0]?.slice(0, had));
    expect(await distance([plant, twin], 'r0', model, 100 + had)).toBeLessThan(1e-3);
    expect(await outputs(plant)).toEqual(untouched);
    for (const one of [plant, twin]) one.destroy();
  });

  it('frees what it said: blocks of an eviction, blocks of an offload, whole blocks of what formats save', async () => {
    const plant = await open(scenarioOf());
    await until(plant, 5);
    const { kvBudgetBytes } = plant.telemetry();
    const block = kvBudgetBytes / 48;
    const freed = async (action: KvAction): Promise<[number, number]> => {
      const before = plant.telemetry().kvBytes;
      const priced = plant.price(action);
      await plant.apply(action);
      return [priced.ok ? priced.freesBytes / block : -1, (before - plant.telemetry().kvBytes) / block];
    };
    expect(await freed({ kind: 'evict', sequence: 'r1', from: 16, to: 48 })).toEqual([2, 2]);
    expect(await freed({ kind: 'offload', sequence: 'r2', from: 0, to: 80, tier: 'host' })).toEqual([5, 5]);
    expect(plant.telemetry().hostBytes).toBe(5 * block);
    // int8 with a scale a row takes (32 + 4) of 128 bytes: 4 blocks save 2.875, and 2 whole ones are given out.
    expect(await freed({ kind: 'quantize', sequence: 'r0', from: 0, to: 64, format: 'int8' })).toEqual([
      2.875, 2,
    ]);
    expect(plant.counters()).toMatchObject({ tokensEvicted: 32, tokensOffloaded: 80, tokensQuantized: 64 });
    plant.destroy();
  });

  it('that offloads lets the sequence stand still, and go on with the same tokens when it is fetched', async () => {
    // Above the target nothing comes back by itself while others run.
    const plant = await open(scenarioOf({ policy: { kvUseTarget: 0.05 } }));
    await until(plant, 5);
    await plant.apply({ kind: 'offload', sequence: 'r0', from: 32, to: 96, tier: 'host' });
    const had = plant.outputOf(0).length;
    await until(plant, 20, [1, 2]);
    expect(plant.outputOf(0)).toHaveLength(had);
    expect(plant.sequences()[0]).toMatchObject({ name: 'r0', phase: 'waiting' });
    await plant.apply({ kind: 'fetch', sequence: 'r0', from: 32, to: 96 });
    expect(await outputs(plant)).toEqual(untouched);
    expect(plant.counters()).toMatchObject({ tokensOffloaded: 64, tokensFetched: 64 });
    plant.destroy();
  });

  it('is refused in a sentence with what would work', async () => {
    const plant = await open(scenarioOf());
    await until(plant, 5);
    const before = plant.digest();
    const refusals: readonly [KvAction, string][] = [
      [{ kind: 'evict', sequence: 'r0', from: 3, to: 40 }, '16–32 does'],
      [{ kind: 'evict', sequence: 'r0', from: 0, to: 5000 }, '0–96 does'],
      [{ kind: 'evict', sequence: 'r9', from: 0, to: 16 }, 'There is no sequence r9'],
      [{ kind: 'fetch', sequence: 'r0', from: 0, to: 16 }, 'have nothing in a lower tier'],
      [{ kind: 'offload', sequence: 'r0', from: 0, to: 16, tier: 'nvme' }, 'There is no tier nvme'],
      [{ kind: 'concurrency', maxSequences: 9 }, 'Ask for 4 at most'],
      [{ kind: 'chunk', tokenBudget: 2 }, 'ask for 4'],
      [{ kind: 'prefixCache', blocks: 4 }, 'without a prefix cache'],
    ];
    for (const [action, sentence] of refusals) {
      const priced = plant.price(action);
      expect(priced.ok ? 'no refusal' : priced.sentence).toContain(sentence);
      await expect(plant.apply(action)).rejects.toThrow(sentence);
    }
    expect(plant.digest()).toBe(before);
    plant.destroy();
  });

  it('on copies tells formats apart, and touches nothing that lives', async () => {
    const plant = await open(scenarioOf());
    await until(plant, 5);
    const before = [await contents(plant), plant.digest()];
    const loss = async (actions: readonly KvAction[]): Promise<number> => {
      const samples = await plant.shadow(actions, 1, signal);
      expect(samples.length).toBeGreaterThan(0);
      return samples.reduce((sum, { kl }) => sum + kl, 0) / samples.length;
    };
    const quantize = (format: 'int8' | 'int2'): KvAction[] => [
      { kind: 'quantize', sequence: 'r0', from: 0, to: 96, format },
    ];
    expect(await loss([{ kind: 'offload', sequence: 'r0', from: 0, to: 96, tier: 'host' }])).toBe(0);
    const [int8, int2] = [await loss(quantize('int8')), await loss(quantize('int2'))];
    expect(int8).toBeGreaterThan(0);
    expect(int8).toBeLessThan(0.01);
    expect(int2).toBeGreaterThan(0.05);
    expect(await loss([{ kind: 'evict', sequence: 'r0', from: 0, to: 96 }])).toBeGreaterThan(1);
    expect([await contents(plant), plant.digest()]).toEqual(before);
    expect(await outputs(plant)).toEqual(untouched);
    plant.destroy();
  });
});

it('the shipped model needs its keys: without its facts it answers wrong', async () => {
  const plant = await open(scenarioOf());
  await until(plant, 1);
  for (const sequence of ['r0', 'r1', 'r2']) await plant.apply({ kind: 'evict', sequence, from: 0, to: 96 });
  await outputs(plant);
  expect(right).toEqual({ right: 30, total: 30 });
  expect(plant.judged()).toMatchObject({ total: 30 });
  expect(plant.judged().right).toBeLessThan(10);
  plant.destroy();
});

describe('the guard on the engine', () => {
  it('holds the KV use with int8, and the run says what became of every plan', async () => {
    const policy = {
      ...{ latencyP95Ms: null, kvUseTarget: 0.6, actionPriority: ['quantize' as const] },
      ...{ canarySteps: [1], watchMs: 0, cooldownMs: 20 },
    };
    const scenario = { ...scenarioOf({ blocks: 30, requests: 4, outputTokens: 24, policy }), controlMs: 5 };
    const asked: boolean[] = [];
    const run = await runAutopilotScenario(scenario, {
      createPlant: (same, { autopilot }) => {
        asked.push(autopilot);
        return open(same, autopilot);
      },
    });
    expect(asked).toEqual([true, false]);
    const { with: own, without: other } = run;
    expect(parseRun(JSON.stringify(run))).toMatchObject({ ok: true });
    expect(run).toMatchObject({ origin: 'measured', complete: true });
    expect(own.counters.tokensQuantized).toBeGreaterThan(0);
    expect(run.plans.some(({ status }) => status === 'completed')).toBe(true);
    expect(own.summary).toMatchObject({ requests: 4, finished: 4 });
    // Four prompts fit the pool, four answers don't; what int8 saves holds them.
    expect(own.summary?.preemptions).toBeLessThan(other?.summary?.preemptions ?? 0);
    expect(run.notes.join(' ')).toContain('buffers that keep f32');
  });

  it('rolls a harmful int2 back within its shadow, and tokens are those of a run that never acted', async () => {
    const policy = {
      ...{ kvUseTarget: 0.3, quantizationScales: [0.125 as const], actionPriority: ['quantize' as const] },
      ...{ cooldownMs: 1e9, watchMs: 0, shadowFraction: 1 },
    };
    const scenario = scenarioOf({ policy });
    const plant = await open(scenario);
    const { plans } = await runAutopilot(plant, scenario.policy, { controlMs: 20 });
    expect(plans).toHaveLength(1);
    expect(plans[0]).toMatchObject({ status: 'rolledBack', actionsCompleted: 0 });
    expect(plans[0]?.qualityDelta).toBeGreaterThan(scenario.policy.maxQualityDelta);
    expect([0, 1, 2].map((row) => [...plant.outputOf(row)])).toEqual(untouched);
    expect(plant.counters()).toMatchObject({ tokensQuantized: 0, applies: 0 });
    plant.destroy();
  });
});

function randomAction(random: Random, plant: EnginePlant): KvAction {
  const names = plant.sequences().map(({ name }) => name);
  const sequence = names[random.below(names.length)] ?? 'r0';
  const from = 16 * random.below(6);
  const range = { sequence, from, to: from + 16 * (1 + random.below(4)) };
  switch (random.below(7)) {
    case 0:
      return { kind: 'evict', ...range };
    case 1:
      return { kind: 'offload', ...range, tier: 'host' };
    case 2:
      return { kind: 'fetch', ...range };
    case 3:
      return { kind: 'admission', belowUse: random.uniform() };
    case 4:
      return { kind: 'concurrency', maxSequences: 1 + random.below(4) };
    case 5:
      return { kind: 'prefixCache', blocks: random.below(20) };
    default:
      return { kind: 'quantize', ...range, format: random.below(2) === 0 ? 'int8' : 'int4' };
  }
}

it('random actions, kept and undone in the middle of a crowded run, leave an engine that adds up and ends', async () => {
  const random = createRandom(5);
  const plant = await open(
    scenarioOf({
      blocks: 20,
      requests: 5,
      outputTokens: 24,
      engine: { prefixCaching: true },
      policy: { kvUseTarget: 0.7 },
    }),
  );
  let pending: Applied[] = [];
  let [done, undone] = [0, 0];
  while (await plant.advance(plant.nowMs + 5)) {
    plant.check();
    for (let i = 0; i < 3; i++) {
      const action = randomAction(random, plant);
      if (!plant.price(action).ok) continue;
      try {
        pending.push(await plant.apply(action));
        done++;
      } catch (error) {
        expect(error).toMatchObject({ code: 'action' });
      }
      plant.check();
    }
    const what = random.below(3);
    if (what === 0) {
      undone += pending.length;
      await plant.undo(pending);
    } else if (what === 1) plant.keep(pending);
    if (what < 2) pending = [];
    plant.check();
  }
  expect(plant.telemetry()).toMatchObject({ finished: 5, waiting: 0 });
  expect([0, 1, 2, 3, 4].map((row) => plant.outputOf(row).length)).toEqual([24, 24, 24, 24, 24]);
  expect(done).toBeGreaterThan(10);
  expect(undone).toBeGreaterThan(2);
  plant.destroy();
});
