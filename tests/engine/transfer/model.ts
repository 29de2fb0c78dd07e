/** A model small enough to be drawn anew in each test: two layers, grouped-query attention, a head that needs no padding. */
import type { ModelConfig } from '../../../src/engine/config.ts';

export const SMALL_MODEL: ModelConfig = {
  family: 'llama',
  name: 'small-random',
  layers: 2,
  hidden: 64,
  intermediate: 128,
  queryHeads: 4,
  kvHeads: 2,
  headDim: 16,
  vocab: 256,
  maxPositionTokens: 512,
  norm: { kind: 'rms', epsilon: 1e-5 },
  positions: { kind: 'rope', theta: 10_000, layout: 'half', rotaryDim: 16, scaling: null },
  activation: 'silu',
  gated: true,
  parallelBlock: false,
  qkNorm: false,
  biases: { qkv: false, output: false, mlp: false, head: false },
  tiedEmbeddings: false,
  windowTokens: 0,
  bosToken: null,
  eosTokens: [],
};
