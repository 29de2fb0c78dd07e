/**
 * Eviction and page selection (src/engine/eviction) as an experiment sets them up: shapes from its scenario and memory
 * plan, what it refuses, and what becomes of its block tables.
 */
import { budgetBlocks } from '../core/eviction/paged-eviction.ts';
import { POLICIES } from '../core/eviction/policies.ts';
import { keepBest } from '../core/eviction/select.ts';
import { streamingLlmTable } from '../core/eviction/streaming-llm.ts';
import type { BlockTable } from '../core/kv/block-table.ts';
import type { Scenario } from '../core/scenario/schema.ts';
import { createEvictor, type Evictor } from '../engine/eviction/evictor.ts';
import { createPageReader, type PageReader } from '../engine/eviction/page-reader.ts';
import type { EvictionShape } from '../engine/eviction/shape.ts';
import type { Gpu } from '../gpu/context.ts';
import { UnsupportedError } from './errors.ts';
import { CONTEXT_STEP, type MemoryPlan } from './memory-plan.ts';

/** A request to judge: its row and its table. */
export interface Judged {
  readonly row: number;
  readonly table: BlockTable;
}

/** null for the policy `none`. @throws UnsupportedError where the policy can't run with the scenario's other settings */
export async function evictorFor(gpu: Gpu, scenario: Scenario, plan: MemoryPlan): Promise<Evictor | null> {
  const policy = POLICIES[scenario.engine.eviction.policy];
  if (policy.name === 'none' || !policy.frees) return null;
  refuseEviction(scenario);
  return createEvictor(gpu, evictionShape(scenario, plan));
}

/** null but for the policy `quest`. @throws UnsupportedError, GpuOutOfMemoryError */
export async function pageReaderFor(
  gpu: Gpu,
  scenario: Scenario,
  plan: MemoryPlan,
): Promise<PageReader | null> {
  if (scenario.engine.eviction.policy !== 'quest') return null;
  refuseSelection(scenario);
  return createPageReader(gpu, evictionShape(scenario, plan));
}

/** Shortens the tables of sequences that were judged, when the evictor's operations are done. */
export async function editTables(
  evictor: Evictor,
  scenario: Scenario,
  judged: readonly Judged[],
): Promise<void> {
  const { policy } = evictor;
  const { budgetTokens } = scenario.engine.eviction;
  if (policy.unit === 'token') {
    for (const { table } of judged) table.truncate(Math.min(table.tokens, budgetTokens));
    return;
  }
  if (policy.signal === 'none') {
    for (const { table } of judged) {
      const { first, last } = policy.protectedTokens(budgetTokens, table.blockSize);
      table.keepBlocks(streamingLlmTable(table.tokens, first, last, table.blockSize).keptBlocks);
    }
    return;
  }
  const scores = await evictor.blockScores();
  for (const { row, table } of judged) {
    const pages = table.blocks.length;
    const budget = budgetBlocks(budgetTokens, table.blockSize);
    table.keepBlocks(keepBest(scores(row).subarray(0, pages), pages, budget, { first: 1, last: 1 }));
  }
}

function evictionShape({ engine, model }: Scenario, plan: MemoryPlan): EvictionShape {
  const { layers, queryHeads, kvHeads, headDim } = model;
  return {
    ...{ layers, queryHeads, kvHeads, headDim },
    policy: engine.eviction.policy,
    budgetTokens: engine.eviction.budgetTokens,
    blockSize: engine.blockSize,
    format: engine.kvFormat,
    residualTokens: engine.residualTokens,
    maxBatch: plan.sequences.length,
    scoreStride: Math.ceil(plan.maxContextTokens / CONTEXT_STEP) * CONTEXT_STEP,
    chunkTokens: plan.chunkTokens,
    tableStride: plan.tableStride,
    numBlocks: plan.blocks,
  };
}

function refuseEviction({ engine, workload }: Scenario): void {
  if (engine.kvFormat === 'int2') {
    throw new UnsupportedError(
      `int2 finds its newest tokens by their position, which ${POLICIES[engine.eviction.policy].title} changes; choose int4 or a wider format.`,
    );
  }
  if (workload.sharedPrefixTokens > 0) {
    throw new UnsupportedError(
      'Eviction moves tokens that others may share; set workload.sharedPrefixTokens to 0.',
    );
  }
  if (engine.windowTokens > 0) {
    throw new UnsupportedError(
      'A sliding window and an eviction policy both choose what is read; set engine.windowTokens to 0.',
    );
  }
}

function refuseSelection({ engine, workload }: Scenario): void {
  if (engine.kvFormat === 'int2') {
    throw new UnsupportedError(
      'int2 finds its newest tokens by their position, which Quest’s page tables change; choose int4.',
    );
  }
  if (engine.windowTokens > 0 || workload.sharedPrefixTokens > 0) {
    throw new UnsupportedError(
      'Quest is measured alone; set engine.windowTokens and workload.sharedPrefixTokens to 0.',
    );
  }
}
