/**
 * Parameters and bytes of a model, from its shape. Exact for the published counts that the tests name.
 *
 * Boundary: dense transformers, as in models.json; mixtures of experts and latent attention come with their own issue.
 */
import { kvBytesPerTokenPerLayer, type KvFormat } from '../kv/formats.ts';
import type { ModelRecord } from './records.ts';

/** Storage of weights: bits a parameter, block scales included (ggml's q8_0 and q4_0: 32 values and an f16 scale). */
export const WEIGHT_BITS = { f16: 16, q8_0: 8.5, q4_0: 4.5 } as const;
export type WeightFormat = keyof typeof WEIGHT_BITS;

export interface ParamCount {
  /** Matrices of one layer: what a token multiplies with. */
  readonly layerMatmul: number;
  readonly embedding: number;
  readonly total: number;
}

function layerMatmul({ hidden, intermediate, queryHeads, kvHeads, headDim, mlp }: ModelRecord): number {
  const attention = 2 * hidden * queryHeads * headDim + 2 * hidden * kvHeads * headDim;
  return attention + (mlp === 'gated' ? 3 : 2) * hidden * intermediate;
}

/** Norms and biases of one layer. */
function layerSmall(model: ModelRecord): number {
  const { hidden, intermediate, queryHeads, kvHeads, headDim, norm, qkNorm, attentionBias, mlpBias, mlp } =
    model;
  const norms = 2 * hidden * (norm === 'layer' ? 2 : 1) + (qkNorm ? 2 * headDim : 0);
  const qkvBias = (queryHeads + 2 * kvHeads) * headDim;
  const attention = attentionBias === 'none' ? 0 : attentionBias === 'qkv' ? qkvBias : qkvBias + hidden;
  return norms + attention + (mlpBias ? intermediate * (mlp === 'gated' ? 2 : 1) + hidden : 0);
}

export function paramCount(model: ModelRecord): ParamCount {
  const { hidden, layers, vocab, tiedEmbeddings, norm, positionRows } = model;
  const matmul = layerMatmul(model);
  const embedding = vocab * hidden;
  const finalNorm = hidden * (norm === 'layer' ? 2 : 1);
  const outside = embedding * (tiedEmbeddings ? 1 : 2) + positionRows * hidden + finalNorm;
  return { layerMatmul: matmul, embedding, total: layers * (matmul + layerSmall(model)) + outside };
}

/** Bytes of all weights. */
export function weightBytes(model: ModelRecord, format: WeightFormat): number {
  return (paramCount(model).total * WEIGHT_BITS[format]) / 8;
}

/** Bytes of the matrices that one step reads: all layers and the output layer, not the rows of the embedding. */
export function weightReadBytes(model: ModelRecord, format: WeightFormat): number {
  const { layerMatmul, embedding } = paramCount(model);
  return ((layerMatmul * model.layers + embedding) * WEIGHT_BITS[format]) / 8;
}

/** KV bytes of one token over all layers: 2·layers·kvHeads·headDim·bytes. */
export function kvBytesPerToken(
  model: Pick<ModelRecord, 'layers' | 'kvHeads' | 'headDim'>,
  bytesPerElement: number,
) {
  return 2 * model.layers * model.kvHeads * model.headDim * bytesPerElement;
}

/** The same in one of our formats, its block's parameters included. */
export function kvFormatBytesPerToken(model: ModelRecord, format: KvFormat, blockSize = 16): number {
  return model.layers * kvBytesPerTokenPerLayer(format, { ...model, blockSize });
}
