/**
 * The weights of a model on the GPU, as the forward pass reads them. Who fills them is in weights/.
 *
 * Matrices are [rows = outputs][columns = inputs], row-major; Q, K and V stand in one matrix, as do gate and up.
 */
import type { LinearWeight } from '../gpu/kernels/linear-config.ts';
import type { ModelConfig } from './config.ts';

export interface NormWeight {
  /** f32 [width] */
  readonly weight: GPUBuffer;
  /** f32 [width]; LayerNorm's shift, null for RMS norm. */
  readonly bias: GPUBuffer | null;
}

export interface LayerWeights {
  readonly attentionNorm: NormWeight;
  /** [(queryHeads + 2·kvHeads)·headDim][hidden]: rows of all queries, then keys, then values. */
  readonly qkv: LinearWeight;
  /** f32 [headDim] each; null without QK norm. */
  readonly queryNorm: GPUBuffer | null;
  readonly keyNorm: GPUBuffer | null;
  /** [hidden][queryHeads·cacheHeadDim]: a head's columns are padded with zeros to the cache's head dimension. */
  readonly output: LinearWeight;
  /** null with `parallelBlock`: the MLP reads the attention's normed input. */
  readonly mlpNorm: NormWeight | null;
  /** Gated: [2·intermediate][hidden], all gate rows, then all up rows. Otherwise [intermediate][hidden]. */
  readonly up: LinearWeight;
  /** [hidden][intermediate] */
  readonly down: LinearWeight;
}

export interface ModelWeights {
  /** f32 or f16 [vocab][hidden], as `embedding.format` says; gathered by token id. */
  readonly embedding: LinearWeight;
  /** f32 [positions][hidden]; null with RoPE. */
  readonly positions: GPUBuffer | null;
  readonly layers: readonly LayerWeights[];
  readonly finalNorm: NormWeight;
  /** [vocab][hidden]; the embedding's buffers where they are tied and their formats agree. */
  readonly head: LinearWeight;
  /** Bytes of all buffers. */
  readonly bytes: number;
  destroy(): void;
}

export interface LoadedModel {
  readonly config: ModelConfig;
  readonly weights: ModelWeights;
  readonly weightFormat: LinearWeight['format'];
}

/**
 * Head dimension of the cache: the attention kernels take multiples of 16, so a smaller head is padded with zeros. The
 * bytes that this costs are in every figure of KV bytes.
 */
export function cacheHeadDim({ headDim }: Pick<ModelConfig, 'headDim'>): number {
  return Math.ceil(headDim / 16) * 16;
}
