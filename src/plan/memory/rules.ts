/**
 * How each engine turns a GPU's memory into KV bytes.
 *
 *   vLLM          KV = total · gpu_memory_utilization − weights − peak of a profiling run      v1/worker/gpu_worker.py
 *   SGLang        KV = free before loading · mem_fraction_static − weights                      model_executor/model_runner.py
 *   TensorRT-LLM  KV = (total − weights − peak) · free_gpu_memory_fraction                      KvCacheConfig
 *   llama.cpp     KV = total − weights − buffers − what is left free                            common/fit
 *
 * What an engine does not count runs in the memory that it leaves free, and has to fit there.
 *
 * Boundary: bytes of one GPU. Terms come from terms.ts, blocks are made in capacity.ts.
 */
import type { PlanEngineName } from '../../core/scenario/plan/schema.ts';
import type { Terms } from './terms.ts';

export interface Budget {
  /** Left for KV; negative where not even the rest fits. */
  readonly kvBytes: number;
  /** Memory that the engine leaves free. */
  readonly freeBytes: number;
  /** What runs in the free memory all the same. */
  readonly outsideBytes: number;
}

export interface RuleInput {
  readonly totalBytes: number;
  readonly utilization: number;
  readonly terms: Terms;
  /** Graphs are taken from the engine's share. */
  readonly graphsCounted: boolean;
}

function heldBytes({ weights, encoder, draft }: Terms): number {
  return weights + encoder + draft;
}

function aroundBytes({ runtime, communication }: Terms): number {
  return runtime + communication;
}

function vllm({ totalBytes, utilization, terms, graphsCounted }: RuleInput): Budget {
  const { activations, logits, graphs } = terms;
  const counted = graphsCounted ? graphs : 0;
  const taken = heldBytes(terms) + activations + logits + aroundBytes(terms) + counted;
  return {
    kvBytes: totalBytes * utilization - taken,
    freeBytes: totalBytes * (1 - utilization),
    outsideBytes: graphs - counted,
  };
}

function sglang({ totalBytes, utilization, terms }: RuleInput): Budget {
  const beforeLoading = totalBytes - aroundBytes(terms);
  return {
    kvBytes: beforeLoading * utilization - heldBytes(terms),
    freeBytes: beforeLoading * (1 - utilization),
    outsideBytes: terms.activations + terms.logits + terms.graphs,
  };
}

function tensorrt({ totalBytes, utilization, terms }: RuleInput): Budget {
  const left = totalBytes - heldBytes(terms) - terms.activations - terms.logits - aroundBytes(terms);
  return {
    kvBytes: left > 0 ? left * utilization : left,
    freeBytes: Math.max(0, left) * (1 - utilization),
    outsideBytes: terms.graphs,
  };
}

function llamaCpp({ totalBytes, utilization, terms }: RuleInput): Budget {
  const taken = heldBytes(terms) + terms.activations + terms.logits + aroundBytes(terms) + terms.graphs;
  return {
    kvBytes: totalBytes * utilization - taken,
    freeBytes: totalBytes * (1 - utilization),
    outsideBytes: 0,
  };
}

export const BUDGET_RULES: Record<PlanEngineName, (input: RuleInput) => Budget> = {
  vllm,
  sglang,
  'tensorrt-llm': tensorrt,
  'llama.cpp': llamaCpp,
};
