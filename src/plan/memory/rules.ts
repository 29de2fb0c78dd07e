/**
 * How each engine turns a GPU's memory into KV bytes.
 *
 *   vLLM          KV = total · gpu_memory_utilization − weights − peak of a profiling run      (v1/worker/gpu_worker.py)
 *   SGLang        KV = total · mem_fraction_static − weights; the rest must hold what runs     (model_executor/model_runner.py)
 *   TensorRT-LLM  KV = (total − weights − peak) · free_gpu_memory_fraction                     (_torch/pyexecutor/_util.py)
 *   llama.cpp     KV = total − weights − buffers, up to the share that it is given             (src/llama-kv-cache.cpp)
 *
 * Boundary: bytes of one GPU. Terms come from terms.ts, blocks are made in capacity.ts.
 */
import type { PlanEngineName } from '../../core/scenario/plan/schema.ts';
import type { Terms } from './terms.ts';

export interface Budget {
  /** Left for KV; negative where not even the rest fits. */
  readonly kvBytes: number;
  /** What the engine may take of the GPU, all in all. */
  readonly requestedBytes: number;
  /** Bytes that the rule leaves unused, for the waterfall: what is above the engine's share. */
  readonly leftFreeBytes: number;
  /** What lives in the memory that the engine leaves free, and must fit there. */
  readonly outsideBytes: number;
}

export interface RuleInput {
  readonly totalBytes: number;
  readonly utilization: number;
  readonly terms: Terms;
  readonly graphsCounted: boolean;
}

const held = ({ weights, encoder, draft }: Terms): number => weights + encoder + draft;
const peak = ({ activations, logits }: Terms): number => activations + logits;
const around = ({ runtime, communication }: Terms): number => runtime + communication;

/** The whole peak is in the engine's share; graphs only where the version counts them. */
function vllm({ totalBytes, utilization, terms, graphsCounted }: RuleInput): Budget {
  const requestedBytes = totalBytes * utilization;
  const graphs = graphsCounted ? terms.graphs : 0;
  return {
    requestedBytes,
    kvBytes: requestedBytes - held(terms) - peak(terms) - around(terms) - graphs,
    leftFreeBytes: totalBytes - requestedBytes,
    outsideBytes: terms.graphs - graphs,
  };
}

/** Weights and KV share the static part; all that runs is in the rest. */
function sglang({ totalBytes, utilization, terms }: RuleInput): Budget {
  const free = totalBytes - around(terms);
  const requestedBytes = around(terms) + free * utilization;
  return {
    requestedBytes,
    kvBytes: free * utilization - held(terms),
    leftFreeBytes: totalBytes - requestedBytes,
    outsideBytes: peak(terms) + terms.graphs,
  };
}

/** A share of what is free once the engine stands and has run its largest step. */
function tensorrt({ totalBytes, utilization, terms }: RuleInput): Budget {
  const free = totalBytes - held(terms) - peak(terms) - around(terms);
  return {
    requestedBytes: totalBytes - Math.max(0, free) * (1 - utilization),
    kvBytes: free > 0 ? free * utilization : free,
    leftFreeBytes: Math.max(0, free) * (1 - utilization),
    outsideBytes: terms.graphs,
  };
}

/** All buffers are there from the start: weights, KV and one compute buffer. */
function llamaCpp({ totalBytes, utilization, terms }: RuleInput): Budget {
  const requestedBytes = totalBytes * utilization;
  return {
    requestedBytes,
    kvBytes: requestedBytes - held(terms) - peak(terms) - around(terms) - terms.graphs,
    leftFreeBytes: totalBytes - requestedBytes,
    outsideBytes: 0,
  };
}

export const BUDGET_RULES: Record<PlanEngineName, (input: RuleInput) => Budget> = {
  vllm,
  sglang,
  'tensorrt-llm': tensorrt,
  'llama.cpp': llamaCpp,
};
