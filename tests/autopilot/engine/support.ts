/** A small load on the shipped model, and the plant that serves it. */
import { createEnginePlant } from '../../../src/autopilot/engine/create.ts';
import type { EnginePlant } from '../../../src/autopilot/engine/plant.ts';
import { DEFAULT_AUTOPILOT } from '../../../src/core/scenario/autopilot/defaults.ts';
import type { AutopilotPolicy } from '../../../src/core/scenario/autopilot/policy.ts';
import type { AutopilotScenario } from '../../../src/core/scenario/autopilot/schema.ts';
import type { ServeScenario } from '../../../src/core/scenario/serve/schema.ts';
import type { LoadedModel } from '../../../src/engine/weights-types.ts';
import type { Gpu } from '../../../src/gpu/context.ts';

export interface Asked {
  readonly blocks?: number;
  readonly requests?: number;
  readonly policy?: Partial<AutopilotPolicy>;
  readonly engine?: Partial<ServeScenario['engine']>;
  readonly outputTokens?: number;
}

/** Sequences of 100 tokens that ask for their first fact, all there from the start. */
export function scenarioOf({
  blocks = 48,
  requests = 3,
  policy = {},
  engine = {},
  outputTokens = 40,
}: Asked = {}): AutopilotScenario {
  const { serving } = DEFAULT_AUTOPILOT;
  return {
    ...DEFAULT_AUTOPILOT,
    backend: 'engine',
    controlMs: 1,
    policy: { ...DEFAULT_AUTOPILOT.policy, keepRecentTokens: 16, minSequenceTokens: 16, ...policy },
    serving: {
      ...serving,
      engine: { ...serving.engine, blocks, maxSequences: 4, maxContextTokens: 256, ...engine },
      workload: {
        ...serving.workload,
        requests,
        arrivals: { kind: 'closed', users: requests, thinkSeconds: 0 },
        promptTokens: { kind: 'fixed', tokens: 100 },
        outputTokens: { kind: 'fixed', tokens: outputTokens },
      },
    },
  };
}

export function openPlant(
  on: { readonly gpu: Gpu; readonly model: LoadedModel },
  scenario: AutopilotScenario,
  autopilot = true,
): Promise<EnginePlant> {
  return createEnginePlant(on, scenario, { autopilot, now: () => performance.now() });
}

/** Serves until every row has so many tokens of output. */
export async function until(plant: EnginePlant, tokens: number, rows = [0, 1, 2]): Promise<void> {
  while (rows.some((row) => plant.outputOf(row).length < tokens)) await plant.advance(plant.nowMs + 1);
}

/** Serves to the end. @returns what every row has generated */
export async function outputs(plant: EnginePlant, rows = [0, 1, 2]): Promise<number[][]> {
  while (await plant.advance(plant.nowMs + 1)) plant.check();
  return rows.map((row) => [...plant.outputOf(row)]);
}
