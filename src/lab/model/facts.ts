/** What a model card says, from the model's shape: parameters, KV bytes by format, and what fits in a budget. */
import { KV_FORMATS, kvLayout, type KvFormat } from '../../core/kv/formats.ts';
import type { ModelConfig } from '../../engine/config.ts';
import { cacheHeadDim } from '../../engine/weights-types.ts';

/** Block size of the card's figures; parameters of a format are shared out over a block. */
export const CARD_BLOCK_SIZE = 16;

/** Bytes of one block over all layers. */
export function blockBytes(
  config: Pick<ModelConfig, 'layers' | 'kvHeads' | 'headDim'>,
  format: KvFormat,
  blockSize: number,
): number {
  const shape = { kvHeads: config.kvHeads, headDim: cacheHeadDim(config), blockSize };
  return config.layers * kvLayout(format, shape).blockBytes;
}

/** Bytes of K and V of one token over all layers, for each format. */
export function kvBytesByFormat(config: ModelConfig): Record<KvFormat, number> {
  const entries = KV_FORMATS.map((format) => [
    format,
    blockBytes(config, format, CARD_BLOCK_SIZE) / CARD_BLOCK_SIZE,
  ]);
  return Object.fromEntries(entries) as Record<KvFormat, number>;
}

/** Parameters of the model, biases and norms included. */
export function parameterCount(config: ModelConfig): number {
  const { layers, hidden, intermediate, queryHeads, kvHeads, headDim, vocab } = config;
  const { gated, norm, qkNorm, parallelBlock, positions, tiedEmbeddings, maxPositionTokens } = config;
  const attention = 2 * hidden * (queryHeads + kvHeads) * headDim;
  const mlp = (gated ? 3 : 2) * hidden * intermediate;
  const normWidth = norm.kind === 'layer' ? 2 : 1;
  const norms = (parallelBlock ? 1 : 2) * normWidth * hidden + (qkNorm ? 2 * headDim : 0);
  const embeddings = (tiedEmbeddings ? 1 : 2) * vocab * hidden;
  const learned = positions.kind === 'learned' ? (maxPositionTokens + positions.offset) * hidden : 0;
  const biases = layers * biasCount(config) + (config.biases.head ? vocab : 0);
  return layers * (attention + mlp + norms) + normWidth * hidden + embeddings + learned + biases;
}

/** Biases of one layer. */
function biasCount({
  biases,
  hidden,
  intermediate,
  queryHeads,
  kvHeads,
  headDim,
  gated,
}: ModelConfig): number {
  const qkv = biases.qkv ? (queryHeads + 2 * kvHeads) * headDim : 0;
  const mlp = biases.mlp ? (gated ? 2 : 1) * intermediate + hidden : 0;
  return qkv + (biases.output ? hidden : 0) + mlp;
}

/** Sequences of a length that a pool holds, each in whole blocks. */
export function sequencesThatFit(
  config: ModelConfig,
  format: KvFormat,
  poolBytes: number,
  tokens: number,
  blockSize = CARD_BLOCK_SIZE,
): number {
  const blocks = Math.floor(poolBytes / blockBytes(config, format, blockSize));
  return Math.floor(blocks / Math.ceil(tokens / blockSize));
}
