/**
 * How layers are divided among the stages of a pipeline, and what weights a rank of each stage holds.
 *
 * vLLM's rule: equal parts; what is left over goes one layer each to the stages before the last, from behind
 * (distributed/utils.py get_pp_indices@001cabc). The first stage holds the embedding, the last one the output layer and
 * the final norm. Tensor parallelism divides all matrices of a stage; norms and routers are held by each rank.
 *
 * Kinds of layers are taken to be spread evenly over the stages.
 */
import { layerCount, type Architecture, type LayerKind } from '../model/architecture.ts';
import {
  architectureWeightBytes,
  bytesPerDenseWeight,
  bytesPerWeight,
  KEPT_BYTES_PER_PARAM,
  layerParams,
  type ServedWeightFormat,
} from '../model/parameters.ts';

/** Most ranks that a scenario may ask for. */
const MOST_RANKS = 64;

/**
 * Ranks that a model's heads can be dealt to: query heads evenly, KV heads evenly too, or each of them copied to as many
 * ranks as every other (vLLM's QKVParallelLinear).
 */
export function tensorRanks({ kinds }: Pick<Architecture, 'kinds'>): number[] {
  const fits = (ranks: number, { mixer }: LayerKind): boolean => {
    if ('queryHeads' in mixer && mixer.queryHeads % ranks !== 0) return false;
    if (!('kvHeads' in mixer)) return true;
    return mixer.kvHeads % ranks === 0 || ranks % mixer.kvHeads === 0;
  };
  const all = Array.from({ length: MOST_RANKS }, (_, i) => i + 1);
  return all.filter((ranks) => kinds.every((kind) => fits(ranks, kind)));
}

export interface Stage {
  readonly layers: number;
  /** Share of the model's layers. */
  readonly share: number;
  /** On one rank. */
  readonly weightBytes: number;
}

/** Layers of each stage. */
export function stageLayers(layers: number, stages: number): number[] {
  const each = Math.floor(layers / stages);
  const parts = new Array<number>(stages).fill(each);
  const rest = layers % stages;
  for (let i = 2; i < rest + 2; i++) parts[stages - i] = each + 1;
  return parts;
}

/** Bytes of all layers on one rank. */
function layersOnRank(model: Architecture, format: ServedWeightFormat, ranks: number): number {
  return model.kinds.reduce((sum, kind) => {
    const { dense, expert, experts, router, small } = layerParams(model, kind);
    const matrices =
      (dense * bytesPerDenseWeight(format) + expert * experts * bytesPerWeight(format)) / ranks;
    return sum + kind.layers * (matrices + (router + small) * KEPT_BYTES_PER_PARAM);
  }, 0);
}

export interface Sharding {
  readonly weights: ServedWeightFormat;
  readonly tensorParallel: number;
  readonly pipelineParallel: number;
}

export function stagesOf(
  model: Architecture,
  { weights, tensorParallel, pipelineParallel }: Sharding,
): Stage[] {
  const total = layerCount(model);
  const inLayers = layersOnRank(model, weights, tensorParallel);
  const table = (model.vocab * model.hidden * KEPT_BYTES_PER_PARAM) / tensorParallel;
  const norm = model.hidden * KEPT_BYTES_PER_PARAM;
  return stageLayers(total, pipelineParallel).map((layers, stage) => {
    const first = stage === 0;
    const last = stage === pipelineParallel - 1;
    // A tied table is held once where one stage needs it twice.
    const tables = (first ? 1 : 0) + (last && !(first && model.tiedEmbeddings) ? 1 : 0);
    const share = layers / total;
    return { layers, share, weightBytes: inLayers * share + tables * table + (last ? norm : 0) };
  });
}

/** Bytes of all weights over all ranks of a replica, what ranks hold in common counted for each. */
export function replicaWeightBytes(model: Architecture, sharding: Sharding): number {
  if (sharding.tensorParallel === 1 && sharding.pipelineParallel === 1)
    return architectureWeightBytes(model, sharding.weights);
  return (
    stagesOf(model, sharding).reduce((sum, { weightBytes }) => sum + weightBytes, 0) * sharding.tensorParallel
  );
}
