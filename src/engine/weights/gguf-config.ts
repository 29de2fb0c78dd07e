/**
 * GGUF's metadata as a configuration, and its names of tensors as Hugging Face's.
 *
 * Keys and names: llama.cpp, gguf-py/gguf/constants.py (MIT). Its conversion of Llama reorders the rows of queries and keys
 * so that RoPE turns neighbouring channels; that of Qwen leaves them.
 *
 * Left out, and refused by name: the other architectures of llama.cpp.
 */
import * as v from 'valibot';
import { checked, FIELDS, headDimOf, unsupported } from '../architectures/architecture.ts';
import { MISSING_FOR } from '../architectures/refusals.ts';
import type { ModelConfig, RopeScaling } from '../config.ts';
import { ModelError, quoted } from '../files/error.ts';
import { fitting } from '../files/json-file.ts';
import type { GgufHeader, GgufMetadata } from './gguf-header.ts';

type GgufFamily = 'llama' | 'qwen2' | 'qwen3';
const ROPE_LAYOUTS: Record<GgufFamily, 'half' | 'interleaved'> = {
  llama: 'interleaved',
  qwen2: 'half',
  qwen3: 'half',
};

const positive = v.pipe(v.number(), v.finite(), v.minValue(1e-6), v.maxValue(1e12));

/** The facts behind `<architecture>.`. */
const Facts = v.object({
  context_length: FIELDS.positions,
  embedding_length: FIELDS.hidden,
  block_count: FIELDS.layers,
  feed_forward_length: FIELDS.intermediate,
  'attention.head_count': FIELDS.heads,
  'attention.head_count_kv': v.optional(FIELDS.heads),
  'attention.key_length': FIELDS.headDim,
  'attention.layer_norm_rms_epsilon': FIELDS.epsilon,
  'attention.sliding_window': FIELDS.window,
  'rope.dimension_count': FIELDS.headDim,
  'rope.freq_base': v.optional(positive, 10_000),
  'rope.scaling.type': v.optional(v.string(), 'none'),
  'rope.scaling.factor': v.optional(positive, 1),
  'rope.scaling.original_context_length': v.optional(FIELDS.positions),
  'rope.scaling.attn_factor': v.optional(positive),
  expert_count: v.optional(v.number(), 0),
});
type Facts = v.InferOutput<typeof Facts>;

function familyOf(metadata: GgufMetadata, name: string): GgufFamily {
  const given = metadata.get('general.architecture');
  if (typeof given !== 'string')
    throw new ModelError('corrupt', `${name} does not say which architecture it is.`);
  if (given === 'llama' || given === 'qwen2' || given === 'qwen3') return given;
  const known = Object.keys(ROPE_LAYOUTS).join(', ');
  const missing = Object.hasOwn(MISSING_FOR, given)
    ? `${MISSING_FOR[given]}`
    : `GGUF files are read of ${known}`;
  throw unsupported(name, `it is a ${quoted(given)} model, and that is missing here: ${missing}`);
}

function scalingOf(name: string, facts: Facts): RopeScaling | null {
  const factor = facts['rope.scaling.factor'];
  switch (facts['rope.scaling.type']) {
    case 'none':
      return null;
    case 'linear':
      return factor === 1 ? null : { kind: 'linear', factor };
    case 'yarn':
      return {
        kind: 'yarn',
        factor,
        betaFast: 32,
        betaSlow: 1,
        originalMaxPositions: facts['rope.scaling.original_context_length'] ?? facts.context_length,
        attentionFactor: (facts['rope.scaling.attn_factor'] ?? 1) * (1 + 0.1 * Math.log(factor)),
      };
    default:
      throw unsupported(name, `its rope scaling ${quoted(facts['rope.scaling.type'])} is missing here`);
  }
}

function token(metadata: GgufMetadata, key: string): number | null {
  const id = metadata.get(`tokenizer.ggml.${key}`);
  return typeof id === 'number' && Number.isInteger(id) && id >= 0 ? id : null;
}

/**
 * @param factors the file's `rope_freqs.weight`, by which Llama 3.1's scaling divides each frequency; null where there is none
 * @throws ModelError
 */
export function ggufConfig(header: GgufHeader, name: string, factors: Float32Array | null): ModelConfig {
  const { metadata, tensors } = header;
  const family = familyOf(metadata, name);
  const own = Object.keys(Facts.entries).map((key) => [key, metadata.get(`${family}.${key}`)] as const);
  const facts = fitting(
    `${name}, ${family}`,
    Facts,
    Object.fromEntries(own.filter(([, value]) => value !== undefined)),
  );
  if (facts.expert_count > 0) throw unsupported(name, 'a mixture of experts is missing here');
  const shapes = new Map(tensors.map((tensor) => [tensor.name, tensor.shape] as const));
  const queryHeads = facts['attention.head_count'];
  const hidden = facts.embedding_length;
  const headDim = headDimOf(name, hidden, queryHeads, facts['attention.key_length']);
  const rotaryDim = facts['rope.dimension_count'] ?? headDim;
  const theta = facts['rope.freq_base'];
  const scaling = factors ? scalingByFactors(name, factors, theta, rotaryDim) : scalingOf(name, facts);
  const eos = [token(metadata, 'eos_token_id'), token(metadata, 'eot_token_id')];
  return checked({
    family,
    name,
    layers: facts.block_count,
    hidden,
    intermediate: facts.feed_forward_length,
    queryHeads,
    kvHeads: facts['attention.head_count_kv'] ?? queryHeads,
    headDim,
    vocab: vocabOf(name, shapes.get('token_embd.weight')),
    maxPositionTokens: facts.context_length,
    norm: { kind: 'rms', epsilon: facts['attention.layer_norm_rms_epsilon'] },
    positions: { kind: 'rope', theta, layout: ROPE_LAYOUTS[family], rotaryDim, scaling },
    activation: 'silu',
    gated: true,
    parallelBlock: false,
    qkNorm: family === 'qwen3',
    biases: {
      qkv: shapes.has('blk.0.attn_q.bias'),
      output: shapes.has('blk.0.attn_output.bias'),
      mlp: shapes.has('blk.0.ffn_down.bias'),
      head: false,
    },
    tiedEmbeddings: !shapes.has('output.weight'),
    windowTokens: facts['attention.sliding_window'] ?? 0,
    bosToken: token(metadata, 'bos_token_id'),
    eosTokens: [...new Set(eos.filter((one) => one !== null))],
  });
}

function vocabOf(name: string, shape: readonly number[] | undefined): number {
  const rows = shape?.[0];
  if (rows === undefined) throw new ModelError('missing', `${name} has no tensor token_embd.weight.`);
  return fitting(`${name}, vocabulary`, FIELDS.vocab, rows);
}

/** What every published Llama 3.1 and 3.2 has; only the factor differs between them. */
const LLAMA3 = { lowFrequencyFactor: 1, highFrequencyFactor: 4, originalMaxPositions: 8192 } as const;

/** The scaling whose divisors a file has written down. @throws ModelError `unsupported` where none gives them */
function scalingByFactors(
  name: string,
  factors: Float32Array,
  theta: number,
  rotaryDim: number,
): RopeScaling | null {
  const factor = factors.reduce((most, one) => Math.max(most, one), 0);
  if (factors.every((one) => Math.abs(one - factor) <= 1e-3 * factor)) {
    return Math.abs(factor - 1) < 1e-3 ? null : { kind: 'linear', factor };
  }
  const expected = (pair: number) => {
    const turns = (LLAMA3.originalMaxPositions * theta ** ((-2 * pair) / rotaryDim)) / (2 * Math.PI);
    const { lowFrequencyFactor: low, highFrequencyFactor: high } = LLAMA3;
    const kept = Math.min(1, Math.max(0, (turns - low) / (high - low)));
    return 1 / (kept + (1 - kept) / factor);
  };
  if (factors.every((one, pair) => Math.abs(one - expected(pair)) <= 1e-3 * one)) {
    return { kind: 'llama3', factor, ...LLAMA3 };
  }
  throw unsupported(
    name,
    'frequencies divided by a table (rope_freqs.weight) other than that of Llama 3.1 are missing here',
  );
}

const LAYER_NAMES: Readonly<Record<string, string>> = {
  attn_norm: 'input_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  attn_q_norm: 'self_attn.q_norm',
  attn_k_norm: 'self_attn.k_norm',
  ffn_norm: 'post_attention_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
};
const NAMES: Readonly<Record<string, string>> = {
  'token_embd.weight': 'model.embed_tokens.weight',
  'output_norm.weight': 'model.norm.weight',
  'output.weight': 'lm_head.weight',
};

/** A tensor's name as Hugging Face has it; one that no model here reads keeps its own. */
export function huggingFaceName(name: string): string {
  const layer = /^blk\.(\d+)\.(\w+)\.(weight|bias)$/.exec(name);
  const [, index = '', part = '', ending = ''] = layer ?? [];
  if (layer && Object.hasOwn(LAYER_NAMES, part))
    return `model.layers.${index}.${LAYER_NAMES[part]}.${ending}`;
  return (Object.hasOwn(NAMES, name) ? NAMES[name] : undefined) ?? name;
}
