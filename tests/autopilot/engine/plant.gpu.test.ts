/** The real engine as an autopilot's plant: every action, what it gives back, and that nothing is left of what is undone. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createEnginePlant } from '../../../src/autopilot/engine/create.ts';
import type { EnginePlant } from '../../../src/autopilot/engine/plant.ts';
import type { KvAction } from '../../../src/core/scenario/autopilot/action.ts';
import { DEFAULT_AUTOPILOT } from '../../../src/core/scenario/autopilot/defaults.ts';
import type { AutopilotScenario } from '../../../src/core/scenario/autopilot/schema.ts';
import type { LoadedModel } from '../../../src/engine/weights-types.ts';
import type { Gpu } from '../../../src/gpu/context.ts';
import { openTestGpu } from '../../support/gpu.ts';
import { shippedModel } from '../../support/shipped-model.ts';

const { serving, policy } = DEFAULT_AUTOPILOT;

/** Three sequences of 100 tokens that ask for their first fact, and generate for a while. */
function scenarioOf(blocks = 48, requests = 3): AutopilotScenario {
  return {
    ...DEFAULT_AUTOPILOT,
    backend: 'engine',
    policy: { ...policy, keepRecentTokens: 16, minSequenceTokens: 16 },
    serving: {
      ...serving,
      engine: { ...serving.engine, blocks, blockSize: 16, maxSequences: 4, maxContextTokens: 256 },
      workload: {
        ...serving.workload,
        requests,
        arrivals: { kind: 'closed', users: requests, thinkSeconds: 0 },
        promptTokens: { kind: 'fixed', tokens: 100 },
        outputTokens: { kind: 'fixed', tokens: 40 },
      },
    },
  };
}

let gpu: Gpu;
let model: LoadedModel;
beforeAll(async () => {
  gpu = await openTestGpu();
  model = await shippedModel(gpu);
});

const open = async (scenario: AutopilotScenario, autopilot = true): Promise<EnginePlant> =>
  createEnginePlant({ gpu, model }, scenario, { autopilot, now: () => performance.now() });

/** Serves until every sequence has so many tokens of output. */
async function until(plant: EnginePlant, tokens: number, rows = [0, 1, 2]): Promise<void> {
  while (rows.some((row) => plant.outputOf(row).length < tokens)) await plant.advance(plant.nowMs + 1);
}

async function outputs(plant: EnginePlant, rows = [0, 1, 2]): Promise<number[][]> {
  while (await plant.advance(plant.nowMs + 50)) plant.check();
  return rows.map((row) => [...plant.outputOf(row)]);
}

const ACTIONS: readonly KvAction[] = [
  { kind: 'quantize', sequence: 'r0', from: 0, to: 64, format: 'int8' },
  { kind: 'quantize', sequence: 'r0', from: 16, to: 64, format: 'int2' },
  { kind: 'evict', sequence: 'r1', from: 16, to: 48 },
  { kind: 'offload', sequence: 'r2', from: 0, to: 80, tier: 'host' },
  { kind: 'concurrency', maxSequences: 2 },
  { kind: 'admission', belowUse: 0.5 },
  { kind: 'chunk', tokenBudget: 64 },
];

describe('the engine under an autopilot', () => {
  let untouched: number[][];
  beforeAll(async () => {
    const plant = await open(scenarioOf(), false);
    untouched = await outputs(plant);
    expect(untouched.map(({ length }) => length)).toEqual([40, 40, 40]);
    plant.destroy();
  });

  it('undoes every action, so that no word of KV and no later token differs', async () => {
    const plant = await open(scenarioOf());
    await until(plant, 5);
    const applied = [];
    const before = [await plant.contents(), plant.digest()];
    for (const action of ACTIONS) {
      expect(plant.price(action)).toMatchObject({ ok: true });
      applied.push(await plant.apply(action));
      plant.check();
    }
    expect(await plant.contents()).not.toBe(before[0]);
    expect(plant.digest()).not.toBe(before[1]);
    await plant.undo(applied);
    plant.check();
    expect([await plant.contents(), plant.digest()]).toEqual(before);
    expect(await outputs(plant)).toEqual(untouched);
    plant.destroy();
  });
});
