/** Logged starts of engines (tests/golden/memory-starts.json), each as a candidate. */
import * as v from 'valibot';
import { findAnyGpu } from '../../../src/core/hardware/catalogue.ts';
import { findAnyModel } from '../../../src/core/model/catalogue.ts';
import { PLAN_ENGINES } from '../../../src/core/scenario/plan/schema.ts';
import { SIM_KV_FORMATS, SIM_WEIGHT_FORMATS } from '../../../src/core/scenario/simulate/schema.ts';
import type { Candidate, PlanSubject } from '../../../src/plan/types.ts';
import golden from '../../golden/memory-starts.json' with { type: 'json' };
import { candidate, subject } from './support.ts';

const gib = v.optional(v.pipe(v.number(), v.minValue(0)));

const Start = v.strictObject({
  model: v.string(),
  engine: v.picklist(PLAN_ENGINES),
  version: v.string(),
  gpu: v.string(),
  tensorParallel: v.number(),
  weights: v.picklist(SIM_WEIGHT_FORMATS),
  kvFormat: v.picklist(SIM_KV_FORMATS),
  memoryUtilization: v.number(),
  tokenBudget: v.number(),
  maxSequences: v.number(),
  maxModelTokens: v.number(),
  weightsGiB: gib,
  /** Activations and sampling. */
  peakGiB: gib,
  /** Runtime and communication. */
  runtimeGiB: gib,
  graphsGiB: gib,
  kvGiB: gib,
  blocks: v.optional(v.number()),
  tokens: v.optional(v.number()),
  derived: v.optional(v.string()),
  source: v.string(),
});
export type Start = v.InferOutput<typeof Start>;

export const STARTS: readonly Start[] = v.parse(v.array(Start), golden.rows);

/** Slots of a block where the engine is not told. */
const BLOCK_SIZES = { vllm: 16, sglang: 1, 'tensorrt-llm': 32, 'llama.cpp': 1 } as const;

export function startSubject({ model }: Start): PlanSubject {
  const found = findAnyModel(model);
  if (!found) throw new Error(`No model ${model}.`);
  return { ...subject(), model: found };
}

export function startCandidate(start: Start): Candidate {
  const gpu = findAnyGpu(start.gpu);
  if (!gpu) throw new Error(`No GPU ${start.gpu}.`);
  const { engine, version, tensorParallel, weights, kvFormat, memoryUtilization } = start;
  const { tokenBudget, maxSequences, maxModelTokens } = start;
  const { choice } = candidate({
    engine,
    engineVersion: version,
    tensorParallel,
    weights,
    kvFormat,
    memoryUtilization,
    tokenBudget,
    maxSequences,
    maxModelTokens,
    blockSize: BLOCK_SIZES[engine],
  });
  return { choice, gpu };
}
