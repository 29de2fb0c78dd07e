/** A scheduler with its pool, driven without a clock: for tests of the scheduling alone. */
import { BlockManager } from '../../../src/core/kv/block-manager.ts';
import { createRandom } from '../../../src/core/random.ts';
import { SCHEDULERS, type SchedulerParts } from '../../../src/core/schedule/index.ts';
import { requestTable, type RequestRow } from '../../../src/core/schedule/requests.ts';
import type { Scheduler, StepPlan } from '../../../src/core/schedule/scheduler.ts';
import { Sequences } from '../../../src/core/schedule/sequences.ts';
import type { SchedulerName } from '../../../src/core/scenario/simulate/schema.ts';

export type Row = Omit<RequestRow, 'arrivalMs'>;

export interface EngineSettings extends Partial<Omit<SchedulerParts, 'manager' | 'sequences'>> {
  readonly numBlocks?: number;
  readonly blockSize?: number;
  readonly prefixCaching?: boolean;
}

export function createEngine(name: SchedulerName, rows: readonly Row[], settings: EngineSettings = {}) {
  const { numBlocks = 1000, blockSize = 4, prefixCaching = false, ...rest } = settings;
  const requests = requestTable(rows.map((row) => ({ arrivalMs: 0, ...row })));
  const manager = new BlockManager({ numBlocks, blockSize, requests, prefixCaching });
  const sequences = new Sequences(requests, blockSize);
  const scheduler = SCHEDULERS[name]({
    manager,
    sequences,
    tokenBudget: 64,
    maxSequences: 8,
    longPrefillTokens: 0,
    priorities: 'fcfs',
    watermarkBlocks: 0,
    reserveFullPrompt: false,
    maxTokens: 64,
    speculation: null,
    random: createRandom(1),
    ...rest,
  });
  return { requests, manager, sequences, scheduler };
}

/** A step in words that tests can compare. */
export interface Step {
  readonly joined: readonly number[];
  readonly preempted: readonly number[];
  /** [request, new tokens, tokens before] of each chunk. */
  readonly chunks: readonly (readonly number[])[];
  readonly decodes: number;
  readonly decodeContext: number;
  readonly decodeMax: number;
  readonly sampled: number;
  readonly prefilled: readonly number[];
  readonly finished: readonly number[];
}

export function describePlan({ joined, preempted, chunks, work }: StepPlan) {
  return {
    joined: [...joined],
    preempted: [...preempted],
    chunks: chunks.map((row, i) => [row, work.prefillTokens[i] ?? 0, work.prefillContextTokens[i] ?? 0]),
    decodes: work.decodeSequences,
    decodeContext: work.decodeContextTokens,
    decodeMax: work.decodeMaxContextTokens,
    sampled: work.sampledSequences,
  };
}

/** One turn, or null when nothing can run. */
export function turn(scheduler: Scheduler): Step | null {
  const plan = scheduler.schedule();
  if (!plan) return null;
  const described = describePlan(plan);
  const { prefilled, finished } = scheduler.complete(plan);
  return { ...described, prefilled: [...prefilled], finished: [...finished] };
}

/** Turns until nothing can run. @throws Error when that takes more than `limit`. */
export function runAll(scheduler: Scheduler, limit = 100_000): Step[] {
  const steps: Step[] = [];
  for (let step = turn(scheduler); step; step = turn(scheduler)) {
    steps.push(step);
    if (steps.length > limit) throw new Error(`No end after ${limit} steps.`);
  }
  return steps;
}
