/**
 * KV tokens of a candidate: the pool that its tightest GPU affords. Cheap, for a search over many candidates.
 *
 * What depends on the model and its sharding only is computed once for each model object and kept beside it.
 */
import { usableMemoryBytes } from '../../core/hardware/records.ts';
import { kvGroups, reportedTokens, type KvGroups } from '../../core/kv/hybrid.ts';
import { modelBytesPerToken } from '../../core/kv/layers.ts';
import { stagesOf, type Stage } from '../../core/kv/stages.ts';
import type { Architecture } from '../../core/model/architecture.ts';
import type { PlanChoice } from '../../core/run/plan.ts';
import type { Candidate, PlanSubject } from '../types.ts';
import { overheadsOf } from './overheads.ts';
import { BUDGET_RULES, type Budget } from './rules.ts';
import { stageTerms, type Terms } from './terms.ts';

export interface Capacity {
  readonly totalBytes: number;
  /** Of the tightest stage. */
  readonly stage: Stage;
  readonly terms: Terms;
  readonly budget: Budget;
  readonly groups: KvGroups;
  /** Bytes of one pool block on the tightest GPU, with the draft's. */
  readonly blockBytes: number;
  /** Blocks of the pool; 0: nothing fits. */
  readonly blocks: number;
  /** As the engine prints them. */
  readonly kvTokens: number;
  /** That a token adds to one GPU of a whole pipeline. */
  readonly kvBytesPerToken: number;
}

interface Shape {
  readonly stages: readonly Stage[];
  readonly groups: KvGroups;
  readonly perToken: number;
}

const SHAPES = new WeakMap<Architecture, Map<string, Shape>>();

/** Windows are not known to an engine whose KV goes to a connector: offloaded, or sent to GPUs that decode. */
export function keepsEveryToken({ engine, offloadGB, disaggregated }: PlanChoice): boolean {
  return engine === 'vllm' && (offloadGB > 0 || disaggregated !== null);
}

function shapeOf(model: Architecture, choice: PlanChoice): Shape {
  const { weights, kvFormat, tensorParallel, pipelineParallel, blockSize } = choice;
  const everyToken = keepsEveryToken(choice);
  const key = `${weights} ${kvFormat} ${tensorParallel} ${pipelineParallel} ${blockSize} ${everyToken}`;
  let shapes = SHAPES.get(model);
  if (!shapes) SHAPES.set(model, (shapes = new Map()));
  let shape = shapes.get(key);
  if (!shape) {
    const sharding = { format: kvFormat, tensorParallel };
    shape = {
      stages: stagesOf(model, { weights, tensorParallel, pipelineParallel }),
      groups: kvGroups(model, { ...sharding, everyToken }, blockSize),
      perToken: modelBytesPerToken(model, sharding),
    };
    shapes.set(key, shape);
  }
  return shape;
}

/** @throws RangeError for a pipeline of no stages */
export function capacityOf({ choice, gpu }: Candidate, { model, scenario }: PlanSubject): Capacity {
  const { stages, groups, perToken } = shapeOf(model, choice);
  const { graphsCounted } = overheadsOf(choice.engine, choice.engineVersion);
  const totalBytes = usableMemoryBytes(gpu);
  const page = groups.blockBytes * (1 + (choice.speculation?.draftCost ?? 0));
  let tightest: Omit<Capacity, 'kvTokens' | 'kvBytesPerToken'> | undefined;
  for (const [i, stage] of stages.entries()) {
    const terms = stageTerms(choice, model, stage, i === stages.length - 1, scenario.memory);
    const utilization = choice.memoryUtilization;
    const budget = BUDGET_RULES[choice.engine]({ totalBytes, utilization, terms, graphsCounted });
    const blockBytes = page * stage.share;
    const blocks = blockBytes > 0 ? Math.max(0, Math.floor(budget.kvBytes / blockBytes)) : 0;
    if (!tightest || blocks < tightest.blocks || (blocks === 0 && budget.kvBytes < tightest.budget.kvBytes)) {
      tightest = { totalBytes, stage, terms, budget, groups, blockBytes, blocks };
    }
  }
  if (!tightest) throw new RangeError('A replica has one pipeline stage at the least.');
  return {
    ...tightest,
    kvTokens: reportedTokens(tightest.blocks, groups),
    kvBytesPerToken: perToken,
  };
}

/** KV tokens of one replica's pool, as the engine prints them; 0 where not even the weights fit. */
export function kvTokensOf(candidate: Candidate, subject: PlanSubject): number {
  return capacityOf(candidate, subject).kvTokens;
}
