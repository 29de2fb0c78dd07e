/** The searches that are timed: every GPU that there is a record of, everything else left open. */
import { parsePlan } from '../../src/core/scenario/parse.ts';
import { searchPlans } from '../../src/plan/index.ts';

/** A search takes no longer, in milliseconds. A public tool's example takes 6.5 s. */
export const MOST_MS = 500;

export interface PlanCase {
  readonly name: string;
  readonly layer: object;
}

const LOAD = { rate: 10, sharedPrefix: { tokens: 512, prompts: 4 } };

export const PLAN_CASES: readonly PlanCase[] = [
  {
    name: 'Llama-3.1-8B, 10 requests/s, limits on both times',
    layer: { model: 'llama-3.1-8b', load: LOAD, constraints: { ttftMs: 1000, tpotMs: 50 } },
  },
  {
    name: 'Llama-3.1-70B, 5 requests/s, cheapest',
    layer: { model: 'llama-3.1-70b', load: { rate: 5 }, goal: { kind: 'cost' } },
  },
  { name: 'gpt-oss-120b, as much as the GPUs carry', layer: { model: 'gpt-oss-120b' } },
  {
    name: 'DeepSeek-V3, 10 requests/s, fastest',
    layer: { model: 'deepseek-v3', load: { rate: 10 }, goal: { kind: 'latency' } },
  },
];

export interface PlanRowOfCase {
  readonly name: string;
  readonly gpus: number;
  readonly candidates: number;
  readonly infeasible: number;
  /** The first search of a fresh worker, and the middle of those after it, in milliseconds. */
  readonly firstMs: number;
  readonly medianMs: number;
}

const ROUNDS = 9;

/** One case in this thread. The first search is as cold as the thread. */
export function timed({ name, layer }: PlanCase): PlanRowOfCase {
  const parsed = parsePlan({ version: 1, kind: 'plan', ...layer, hardware: { gpu: null } });
  if (!parsed.ok) throw new Error(parsed.sentence);
  const times: number[] = [];
  let run = null;
  for (let i = 0; i < ROUNDS; i++) {
    const startedAt = performance.now();
    run = searchPlans(parsed.scenario);
    times.push(performance.now() - startedAt);
  }
  if (!run?.feasible) throw new Error(`${name}: nothing was found, so nothing was timed.`);
  const later = times.slice(1).sort((a, b) => a - b);
  const gpus = new Set([...run.rows.map(({ choice }) => choice.gpu), run.deployment?.choice.gpu]).size;
  return {
    name,
    gpus,
    ...run.searched,
    firstMs: times[0] ?? NaN,
    medianMs: later[later.length >> 1] ?? NaN,
  };
}
