/** One small configuration of every family, with what is particular to it: for checks against the reference pass. */
import type { ModelConfig, ModelFamily } from '../../src/engine/config.ts';

const NO_BIASES = { qkv: false, output: false, mlp: false, head: false };
const ROPE = { kind: 'rope', theta: 10_000, layout: 'half', rotaryDim: 8, scaling: null } as const;

const LLAMA: ModelConfig = {
  family: 'llama',
  name: 'small-llama',
  layers: 2,
  hidden: 40,
  intermediate: 72,
  queryHeads: 4,
  kvHeads: 2,
  headDim: 8,
  vocab: 67,
  maxPositionTokens: 64,
  norm: { kind: 'rms', epsilon: 1e-5 },
  positions: ROPE,
  activation: 'silu',
  gated: true,
  parallelBlock: false,
  qkNorm: false,
  biases: NO_BIASES,
  tiedEmbeddings: false,
  windowTokens: 0,
  bosToken: 1,
  eosTokens: [2],
};

/** LayerNorm, biases, as many KV heads as query heads. */
const LAYER_NORMED: ModelConfig = {
  ...LLAMA,
  kvHeads: 4,
  headDim: 16,
  hidden: 64,
  intermediate: 96,
  norm: { kind: 'layer', epsilon: 1e-5 },
  activation: 'gelu-tanh',
  gated: false,
  biases: { qkv: true, output: true, mlp: true, head: false },
  tiedEmbeddings: true,
};

export const SMALL_CONFIGS: Record<ModelFamily, ModelConfig> = {
  llama: {
    ...LLAMA,
    positions: {
      ...ROPE,
      scaling: {
        kind: 'llama3',
        factor: 8,
        lowFrequencyFactor: 1,
        highFrequencyFactor: 4,
        originalMaxPositions: 16,
      },
    },
  },
  mistral: { ...LLAMA, family: 'mistral', name: 'small-mistral', windowTokens: 5 },
  qwen2: {
    ...LLAMA,
    family: 'qwen2',
    name: 'small-qwen2',
    tiedEmbeddings: true,
    biases: { ...NO_BIASES, qkv: true },
  },
  // Heads wider than hidden / heads, as in the small Qwen3.
  qwen3: {
    ...LLAMA,
    family: 'qwen3',
    name: 'small-qwen3',
    headDim: 16,
    positions: { ...ROPE, rotaryDim: 16 },
    qkNorm: true,
  },
  gpt2: {
    ...LAYER_NORMED,
    family: 'gpt2',
    name: 'small-gpt2',
    positions: { kind: 'learned', offset: 0 },
  },
  opt: {
    ...LAYER_NORMED,
    family: 'opt',
    name: 'small-opt',
    positions: { kind: 'learned', offset: 2 },
    activation: 'relu',
  },
  phi: {
    ...LAYER_NORMED,
    family: 'phi',
    name: 'small-phi',
    positions: { ...ROPE, rotaryDim: 6 },
    parallelBlock: true,
    biases: { qkv: true, output: true, mlp: true, head: true },
    tiedEmbeddings: false,
  },
};
