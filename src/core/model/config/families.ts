/**
 * What transformers' classes know and their config.json does not say, by `model_type`.
 *
 * Source: configuration_*.py and modeling_*.py of huggingface/transformers. A type that is in none of these lists reads as
 * a decoder like Llama's: gated perceptrons, an output layer of its own, no norms on heads.
 */
import type { JsonObject } from '../../json.ts';

type Types = ReadonlySet<string>;

/** Perceptrons of two matrices: up and down. */
export const PLAIN_MLP: Types = new Set([
  'gpt2',
  'gpt_bigcode',
  'gpt_neo',
  'gpt_neox',
  'gptj',
  'codegen',
  'opt',
  'bloom',
  'mpt',
  'falcon',
  'RefinedWeb',
  'RefinedWebModel',
  'phi',
  'phi-msft',
  'starcoder2',
  'nemotron',
]);

/** The output layer is the embedding unless the file says otherwise. */
export const TIED: Types = new Set([
  'gpt2',
  'gpt_bigcode',
  'gpt_neo',
  'opt',
  'bloom',
  'mpt',
  'falcon',
  'gemma',
  'gemma2',
  'gemma3',
  'gemma3_text',
  'gemma4',
  'gemma4_text',
  'cohere',
  'cohere2',
  'starcoder2',
  'smollm3',
  'minicpm',
]);

/** Norms over each query and key head. */
export const HEAD_NORMS =
  /^(qwen3|gemma3|gemma4|olmo2|olmo3|minimax_m|cohere2_vision|hunyuan|exaone4|apertus|glm4_moe)/;

/** Perceptrons four times as wide as the model where the file does not say. */
export const FOUR_TIMES: Types = new Set([
  'gpt2',
  'gpt_bigcode',
  'gptj',
  'codegen',
  'bloom',
  'mpt',
  'falcon',
  'RefinedWeb',
  'RefinedWebModel',
]);

/** The file names the width of gate and up together. */
export const BOTH_HALVES: Types = new Set(['qwen']);

/** Positions that a class takes where its file has none. */
export const POSITIONS: Readonly<Record<string, number>> = {
  falcon: 2048,
  RefinedWeb: 2048,
  RefinedWebModel: 2048,
  bloom: 2048,
};

/** A window on every layer that has one at all; others use it only with `use_sliding_window` or a pattern. */
export const ALL_SLIDING: Types = new Set(['mistral', 'mixtral', 'starcoder2', 'phi3', 'phimoe']);

/** Every n-th layer sees all tokens, where the file has a window and no list. */
export const FULL_EVERY: Readonly<Record<string, number>> = {
  gemma2: 2,
  gemma3: 6,
  gemma3_text: 6,
  cohere2: 4,
};

/** Defaults of a class for a language model inside a larger file, which often leaves them out (LLaVA-1.5, Gemma 3). */
export const TEXT_DEFAULTS: Readonly<Record<string, JsonObject>> = {
  llama: {
    vocab_size: 32_000,
    hidden_size: 4096,
    intermediate_size: 11_008,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    max_position_embeddings: 2048,
  },
  mistral: {
    vocab_size: 32_000,
    hidden_size: 4096,
    intermediate_size: 14_336,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    max_position_embeddings: 131_072,
  },
  gemma3_text: {
    vocab_size: 262_208,
    num_attention_heads: 8,
    num_key_value_heads: 4,
    head_dim: 256,
    max_position_embeddings: 131_072,
    sliding_window: 4096,
  },
};

/** Fields of layers that are not known here, and what they would do to a plan. */
export const NOT_READ: readonly (readonly [field: string, what: string])[] = [
  ['cross_attention_layers', 'layers that attend to an image instead of earlier tokens'],
  ['ssm_cfg', 'layers of Mamba-1 alone'],
  ['rwkv_version', 'layers of RWKV'],
  ['attn_layer_period', 'layers of Mamba-1 among attention'],
  ['mamba_d_ssm', 'layers of Mamba beside attention in one'],
  ['block_types', 'layers of a recurrent unit'],
  ['_block_types', 'layers of a recurrent unit'],
  ['num_key_value_heads_per_layer', 'layers with KV heads of their own'],
  ['num_query_heads', 'layers with query heads of their own'],
  ['attention_hidden_size', 'layers of RWKV'],
];

/** Models that are no decoders of text. */
export const NOT_DECODERS =
  /^(bert|roberta|distilbert|electra|albert|deberta|t5|mt5|umt5|bart|mbart|pegasus|marian|whisper|clip|siglip|vit|wav2vec2|mamba|rwkv|xlm-roberta|modernbert)$/;
