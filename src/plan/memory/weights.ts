/**
 * Weights of a rank as an engine holds them, and what each class of layers has of them.
 *
 * Engines on PyTorch keep the rotary tables of all positions beside them: 2.5 GiB for the 10,485,760 of Llama-4-Scout, which
 * logged starts show (llm-d-planner accuracy report); vLLM pads mxfp4 experts (13.47 and 64.38 GiB logged for gpt-oss).
 *
 * llama.cpp's files quantise the embedding too: Q8_0 8.5 bits a parameter, Q4_K_M 4.9 over the whole file (Llama-3.1-8B:
 * 4.92 GB of 8.03e9 parameters, docs of llama.cpp tools/quantize). All other engines: core/kv/stages.ts.
 */
import { stagesOf, type Stage } from '../../core/kv/stages.ts';
import type { Architecture, LayerKind } from '../../core/model/architecture.ts';
import {
  architectureParams,
  bytesPerDenseWeight,
  bytesPerWeight,
  KEPT_BYTES_PER_PARAM,
  layerParams,
} from '../../core/model/parameters.ts';
import type { PlanChoice } from '../../core/run/plan.ts';

/** Bits of a parameter over a whole GGUF file. */
export const GGUF_BITS = { int8: 8.5, int4: 4.9 } as const;

function ggufBits({ engine, weights }: PlanChoice): number | null {
  if (engine !== 'llama.cpp') return null;
  return weights === 'int8' || weights === 'int4' ? GGUF_BITS[weights] : null;
}

/** Widths that the kernels for mxfp4 experts take: the intermediate is padded to whole ones on each rank. */
const MXFP4_WIDTH = 256;

/** Experts' bytes over their bytes without padding. */
function expertPadding({ mlp }: LayerKind, { engine, weights, tensorParallel }: PlanChoice): number {
  if (engine !== 'vllm' || weights !== 'mxfp4' || mlp.kind !== 'experts') return 1;
  const part = mlp.intermediate / tensorParallel;
  return (Math.ceil(part / MXFP4_WIDTH) * MXFP4_WIDTH) / part;
}

/** Elements of a token's position that a mixer's rotary table holds: cosine and sine of half the channels each. */
function rotaryDim({ mixer }: LayerKind): number {
  if ('keyDim' in mixer && mixer.kind !== 'delta') return mixer.keyDim;
  return mixer.kind === 'latent' ? mixer.ropeDim : 0;
}

/** Cosines and sines of every position that the model knows, one table for layers with heads of one size, on each rank. */
export function rotaryBytes(model: Architecture, { engine }: PlanChoice): number {
  if (engine !== 'vllm' && engine !== 'sglang') return 0;
  const dims = new Set(model.kinds.map(rotaryDim));
  return [...dims].reduce((sum, dim) => sum + dim, 0) * model.maxPositionTokens * KEPT_BYTES_PER_PARAM;
}

/** Bytes of all experts on one rank. */
function expertBytes(
  model: Architecture,
  choice: PlanChoice,
  bytesPerParam: number,
  padded: boolean,
): number {
  const bytes = classParams(model, (kind) => {
    const { expert, experts } = layerParams(model, kind);
    return expert * experts * (padded ? expertPadding(kind, choice) : 1);
  });
  return (bytes * bytesPerParam) / choice.tensorParallel;
}

/** Stages of a replica with the bytes that one rank of each holds. */
export function engineStages(model: Architecture, choice: PlanChoice): Stage[] {
  const { weights, tensorParallel, pipelineParallel } = choice;
  const bits = ggufBits(choice);
  if (bits !== null) {
    const sixteen = stagesOf(model, { weights: 'bf16', tensorParallel, pipelineParallel });
    return sixteen.map((stage) => ({ ...stage, weightBytes: (stage.weightBytes * bits) / 16 }));
  }
  const each = bytesPerWeight(weights);
  const padding = expertBytes(model, choice, each, true) - expertBytes(model, choice, each, false);
  const rotary = rotaryBytes(model, choice);
  return stagesOf(model, { weights, tensorParallel, pipelineParallel }).map((stage) => ({
    ...stage,
    weightBytes: stage.weightBytes + padding * stage.share + rotary,
  }));
}

export interface WeightClass {
  readonly id: 'embedding' | 'mixers' | 'perceptrons' | 'experts' | 'kept' | 'rotary';
  readonly label: string;
  readonly params: number;
  /** On one rank of a whole pipeline. */
  readonly bytes: number;
}

/** The same layer with nothing but its mixer, or nothing but its perceptron. */
function only(kind: LayerKind, part: 'mixer' | 'mlp'): LayerKind {
  return part === 'mixer' ? { ...kind, mlp: { kind: 'none' } } : { ...kind, mixer: { kind: 'none' } };
}

/** Parameters of a class of matrices over all layers. */
function classParams(model: Architecture, count: (kind: LayerKind) => number): number {
  return model.kinds.reduce((sum, kind) => sum + kind.layers * count(kind), 0);
}

/**
 * Weights by class, in the format of each: what quantised files keep in bf16 (embedding, output layer, norms, routers)
 * apart. Sums to the weights of a rank where there is one stage.
 */
export function weightClasses(model: Architecture, choice: PlanChoice): WeightClass[] {
  const { weights, tensorParallel } = choice;
  const bits = ggufBits(choice);
  const dense = bits === null ? bytesPerDenseWeight(weights) : bits / 8;
  const expert = bits === null ? bytesPerWeight(weights) : bits / 8;
  const kept = bits === null ? KEPT_BYTES_PER_PARAM : bits / 8;
  const { embedding } = architectureParams(model);
  const tables = embedding * (model.tiedEmbeddings ? 1 : 2);
  const mixers = classParams(model, (kind) => layerParams(model, only(kind, 'mixer')).dense);
  const perceptrons = classParams(model, (kind) => layerParams(model, only(kind, 'mlp')).dense);
  const experts = classParams(model, (kind) => {
    const params = layerParams(model, kind);
    return params.expert * params.experts;
  });
  const small = classParams(model, (kind) => {
    const params = layerParams(model, kind);
    return params.router + params.small;
  });
  const rotary = rotaryBytes(model, choice);
  const table = model.tiedEmbeddings ? 'Embedding, tied' : 'Embedding and output layer';
  const part = (id: WeightClass['id'], label: string, params: number, bytes: number): WeightClass => ({
    id,
    label,
    params,
    bytes,
  });
  return [
    part('embedding', table, tables, (tables * kept) / tensorParallel),
    part('mixers', 'Attention', mixers, (mixers * dense) / tensorParallel),
    part('perceptrons', 'Perceptrons', perceptrons, (perceptrons * dense) / tensorParallel),
    part('experts', 'Experts, all of them', experts, expertBytes(model, choice, expert, true)),
    part('kept', 'Norms and routers', small + model.hidden, (small + model.hidden) * kept),
    part('rotary', 'Rotary tables', rotary / KEPT_BYTES_PER_PARAM, rotary),
  ].filter(({ params }) => params > 0);
}
