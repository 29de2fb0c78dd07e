/**
 * KV tokens of a candidate: the pool that its tightest GPU affords. Cheap, for a search over many candidates.
 *
 * What depends on the model and its sharding only is computed once for each model object and kept beside it.
 */
import { usableMemoryBytes } from '../../core/hardware/records.ts';
import { mostSequenceBlocks, reportedTokens, type KvGroups } from '../../core/kv/hybrid.ts';
import type { Stage } from '../../core/kv/stages.ts';
import type { Architecture } from '../../core/model/architecture.ts';
import type { PlanChoice } from '../../core/run/plan.ts';
import { appliesTo } from '../speed/settings.ts';
import type { Candidate, PlanSubject } from '../types.ts';
import { overheadsOf, type EngineOverheads } from './overheads.ts';
import { BUDGET_RULES, type Budget } from './rules.ts';
import { kvStore, type KvStore } from './store.ts';
import { stageTerms, type Terms } from './terms.ts';
import { engineStages } from './weights.ts';

export interface Capacity {
  readonly totalBytes: number;
  /** Of the tightest stage. */
  readonly stage: Stage;
  readonly terms: Terms;
  readonly budget: Budget;
  readonly groups: KvGroups;
  /** Bytes of one pool block on the tightest GPU, with the draft's. */
  readonly blockBytes: number;
  /** Set aside for windows and states beside the pool, of the KV bytes. */
  readonly fixedBytes: number;
  /** What a calibration takes off the pool, by the KV tokens that were measured; negative: puts to it. */
  readonly calibratedBytes: number;
  /** Blocks of the pool; 0: nothing fits. */
  readonly blocks: number;
  /** As the engine prints them. */
  readonly kvTokens: number;
  /** That a token adds to one GPU of a whole pipeline. */
  readonly kvBytesPerToken: number;
}

interface Shape {
  readonly stages: readonly Stage[];
  readonly store: KvStore;
}

/** Kept of one model: a slider that is drawn for an hour leaves no more. */
const MOST_SHAPES = 2000;

const SHAPES = new WeakMap<Architecture, Map<string, Shape>>();

function shapeKey(choice: PlanChoice): string {
  const { engine, weights, kvFormat, tensorParallel, pipelineParallel, blockSize } = choice;
  const connector = choice.offloadGB > 0 || choice.disaggregated !== null;
  const key = `${engine} ${weights} ${kvFormat} ${tensorParallel} ${pipelineParallel} ${blockSize} ${connector}`;
  // Only these set memory aside by sequence.
  const bySequence = engine === 'llama.cpp' || engine === 'tensorrt-llm';
  return bySequence ? `${key} ${choice.maxSequences} ${choice.maxModelTokens}` : key;
}

function shapeOf(model: Architecture, choice: PlanChoice): Shape {
  let shapes = SHAPES.get(model);
  if (!shapes) SHAPES.set(model, (shapes = new Map()));
  const key = shapeKey(choice);
  let shape = shapes.get(key);
  if (!shape) {
    if (shapes.size >= MOST_SHAPES) shapes.clear();
    shape = { stages: engineStages(model, choice), store: kvStore(model, choice) };
    shapes.set(key, shape);
  }
  return shape;
}

type Pool = Omit<Capacity, 'kvTokens' | 'kvBytesPerToken'>;

function stagePool(
  { choice, gpu }: Candidate,
  { model, scenario, calibration }: PlanSubject,
  { stages, store }: Shape,
  overheads: EngineOverheads,
  i: number,
): Pool | null {
  const stage = stages[i];
  if (!stage) return null;
  const terms = stageTerms({
    choice,
    gpu,
    model,
    overheads,
    stage,
    first: i === 0,
    last: i === stages.length - 1,
    overrides: scenario.memory,
  });
  const { graphsCounted } = overheads;
  const totalBytes = usableMemoryBytes(gpu);
  const utilization = choice.memoryUtilization;
  const budget = BUDGET_RULES[choice.engine]({ totalBytes, utilization, terms, graphsCounted });
  const blockBytes = store.blockBytes * stage.share * (1 + (choice.speculation?.draftCost ?? 0));
  const fixedBytes = Math.max(0, budget.kvBytes) * store.fixedShare + store.fixedBytes * stage.share;
  const measured = calibration && appliesTo(calibration, choice, gpu, model) ? calibration.kvTokens : null;
  const counted = Math.max(0, budget.kvBytes - fixedBytes);
  const calibratedBytes = measured === null ? 0 : counted * (1 - measured);
  const pool = budget.kvBytes - fixedBytes - calibratedBytes;
  const blocks = blockBytes > 0 ? Math.max(0, Math.floor(pool / blockBytes)) : 0;
  const { groups } = store;
  return { totalBytes, stage, terms, budget, groups, blockBytes, fixedBytes, calibratedBytes, blocks };
}

/** Blocks that a sequence of the longest length may hold at once. */
export function longestSequenceBlocks(groups: KvGroups, choice: PlanChoice): number {
  const { maxModelTokens, tokenBudget, prefixCaching } = choice;
  return mostSequenceBlocks(groups, maxModelTokens, tokenBudget, prefixCaching ? 2 : 1);
}

/** What an engine prints: its blocks, or how often the longest sequence fits times that length. */
function printedTokens({ blocks, groups }: Pool, choice: PlanChoice, { reports }: EngineOverheads): number {
  if (reports === 'blocks' || groups.groups.length <= 1) return reportedTokens(blocks, groups);
  const each = longestSequenceBlocks(groups, choice);
  return each === 0 ? 0 : Math.floor((blocks / each) * choice.maxModelTokens);
}

/** Left for KV after what is set aside: the least decides where no block fits. */
function room({ budget, fixedBytes }: Pool): number {
  return budget.kvBytes - fixedBytes;
}

/** @throws RangeError for a pipeline of no stages */
export function capacityOf(candidate: Candidate, subject: PlanSubject): Capacity {
  const { choice } = candidate;
  const shape = shapeOf(subject.model, choice);
  const overheads = overheadsOf(choice.engine, choice.engineVersion);
  let tightest: Pool | null = null;
  for (let i = 0; i < shape.stages.length; i++) {
    const pool = stagePool(candidate, subject, shape, overheads, i);
    if (!pool) continue;
    const tighter =
      !tightest ||
      pool.blocks < tightest.blocks ||
      (pool.blocks === tightest.blocks && room(pool) < room(tightest));
    if (tighter) tightest = pool;
  }
  if (!tightest) throw new RangeError('A replica has one pipeline stage at the least.');
  return {
    ...tightest,
    kvTokens: printedTokens(tightest, choice, overheads),
    kvBytesPerToken: shape.store.perToken,
  };
}

/** Whether the weights alone are more than a GPU has: known without anything else, and so often that it is asked first. */
export function weightsExceed({ choice, gpu }: Candidate, { model, scenario }: PlanSubject): boolean {
  const total = usableMemoryBytes(gpu);
  const own = scenario.memory.weights;
  if (own !== undefined) return own > total;
  return shapeOf(model, choice).stages.some(({ weightBytes }) => weightBytes > total);
}

/** KV tokens of one replica's pool, as the engine prints them; 0 where not even the weights fit. */
export function kvTokensOf(candidate: Candidate, subject: PlanSubject): number {
  return capacityOf(candidate, subject).kvTokens;
}
