/** A small load on the shipped model, and the plant that serves it. */
import { digestOf } from '../../../src/autopilot/book/digest.ts';
import { createEnginePlant } from '../../../src/autopilot/engine/create.ts';
import type { EnginePlant } from '../../../src/autopilot/engine/plant.ts';
import { decodeRow } from '../../../src/core/kv/encode.ts';
import { kvLayout } from '../../../src/core/kv/formats.ts';
import { DEFAULT_AUTOPILOT } from '../../../src/core/scenario/autopilot/defaults.ts';
import type { AutopilotPolicy } from '../../../src/core/scenario/autopilot/policy.ts';
import type { AutopilotScenario } from '../../../src/core/scenario/autopilot/schema.ts';
import type { ServeScenario } from '../../../src/core/scenario/serve/schema.ts';
import { cacheShape } from '../../../src/engine/kv-cache.ts';
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

/** The engine's clock counts how often it is asked: a run is the same on every machine. */
export function openPlant(
  on: { readonly gpu: Gpu; readonly model: LoadedModel },
  scenario: AutopilotScenario,
  autopilot = true,
): Promise<EnginePlant> {
  let ticks = 0;
  return createEnginePlant(on, scenario, { autopilot, now: () => ++ticks });
}

/** Serves until every row has so many tokens of output. */
export async function until(plant: EnginePlant, tokens: number, rows = [0, 1, 2]): Promise<void> {
  while (rows.some((row) => plant.outputOf(row).length < tokens)) await plant.advance(plant.nowMs + 5);
}

/** Serves to the end. @returns what every row has generated */
export async function outputs(plant: EnginePlant, rows = [0, 1, 2]): Promise<number[][]> {
  while (await plant.advance(plant.nowMs + 5)) plant.check();
  return rows.map((row) => [...plant.outputOf(row)]);
}

/** Digest of every word of KV of all sequences. */
export async function contents(plant: EnginePlant): Promise<string> {
  const lines: string[] = [];
  for (const { name } of plant.sequences()) {
    const words = await plant.kvOf(name);
    lines.push(`${name}: ${words.map((block) => block.join(',')).join(';')}`);
  }
  return digestOf(lines.join('\n'));
}

/** Largest distance between two sequences' keys and values over their first tokens, in pools of f32. */
export async function distance(
  [own, other]: readonly [EnginePlant, EnginePlant],
  name: string,
  { config }: LoadedModel,
  tokens: number,
): Promise<number> {
  const layout = kvLayout('f32', cacheShape(config, own.blockTokens));
  const [a, b] = [await own.kvOf(name), await other.kvOf(name)];
  let most = 0;
  for (let token = 0; token < tokens; token++) {
    const block = Math.floor(token / own.blockTokens);
    const slot = token % own.blockTokens;
    for (let at = 0; at < config.layers * config.kvHeads * 2; at++) {
      const [layer, head, part] = [
        Math.floor(at / config.kvHeads / 2),
        (at >> 1) % config.kvHeads,
        at % 2 === 0 ? 'k' : 'v',
      ] as const;
      const [x, y] = [a[block], b[block]].map((words) => {
        const own = words?.subarray(layer * layout.blockWords, (layer + 1) * layout.blockWords);
        return own ? decodeRow(own, layout, part, head, slot) : new Float64Array(0);
      });
      x?.forEach((value, i) => (most = Math.max(most, Math.abs(value - (y?.[i] ?? NaN)))));
    }
  }
  return most;
}
