/**
 * Weights of a rank as an engine holds them, and what each class of layers has of them.
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

/** Stages of a replica with the bytes that one rank of each holds. */
export function engineStages(model: Architecture, choice: PlanChoice): Stage[] {
  const { weights, tensorParallel, pipelineParallel } = choice;
  const bits = ggufBits(choice);
  if (bits === null) return stagesOf(model, { weights, tensorParallel, pipelineParallel });
  const sixteen = stagesOf(model, { weights: 'bf16', tensorParallel, pipelineParallel });
  return sixteen.map((stage) => ({ ...stage, weightBytes: (stage.weightBytes * bits) / 16 }));
}

export interface WeightClass {
  readonly id: 'embedding' | 'mixers' | 'perceptrons' | 'experts' | 'kept';
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
  const all: WeightClass[] = [
    {
      id: 'embedding',
      label: model.tiedEmbeddings ? 'Embedding, tied' : 'Embedding and output layer',
      params: tables,
      bytes: (tables * kept) / tensorParallel,
    },
    { id: 'mixers', label: 'Attention', params: mixers, bytes: (mixers * dense) / tensorParallel },
    {
      id: 'perceptrons',
      label: 'Perceptrons',
      params: perceptrons,
      bytes: (perceptrons * dense) / tensorParallel,
    },
    {
      id: 'experts',
      label: 'Experts, all of them',
      params: experts,
      bytes: (experts * expert) / tensorParallel,
    },
    {
      id: 'kept',
      label: 'Norms and routers',
      params: small + model.hidden,
      bytes: (small + model.hidden) * kept,
    },
  ];
  return all.filter(({ params }) => params > 0);
}
