/**
 * What mixes tokens in each layer of a config.json: attention, windows, latents, states, or nothing.
 *
 * A list of mixers, one a layer, in the order of the layers. Of sparse attention, the keys are counted and the indexer is
 * not; compressed attention (`compress_ratios`) keeps one entry for so many tokens, and its short window is left out.
 */
import type { Mixer } from '../architecture.ts';
import { ConfigRefusal, type Fields } from './fields.ts';
import { layerWords, type LayerWord, type Shape } from './layer-words.ts';

type Heads = Omit<Extract<Mixer, { kind: 'full' }>, 'kind'>;

export function headDim(fields: Fields, hidden: number, heads: number): number {
  const own = fields.optional(['head_dim', 'attention_head_dim', 'kv_channels', 'd_kv']);
  if (own !== null) return own;
  if (hidden % heads !== 0) {
    throw new ConfigRefusal(`head_dim is missing, and ${heads} heads do not divide hidden_size ${hidden}`);
  }
  return hidden / heads;
}

const KV_HEADS = [
  'num_key_value_heads',
  'num_kv_heads',
  'n_head_kv',
  'multi_query_group_num',
  'attn_config.kv_n_heads',
];

function kvHeads(fields: Fields, type: string, heads: number): number {
  if (
    fields.flag('multi_query') === true &&
    fields.flag('new_decoder_architecture') !== true &&
    type !== 'chatglm'
  )
    return 1;
  const own = fields.optional(KV_HEADS) ?? heads;
  if (own > heads || heads % own !== 0) {
    throw new ConfigRefusal(
      `num_key_value_heads is ${own}, which does not divide the ${heads} of num_attention_heads`,
    );
  }
  return own;
}

export function headsOf(fields: Fields, { type, hidden }: Shape): Heads {
  const queryHeads = fields.count('num_attention_heads', 'n_head', 'n_heads', 'num_heads');
  const keyDim = headDim(fields, hidden, queryHeads);
  const gated = fields.flag('attn_output_gate') === true;
  return {
    queryHeads,
    kvHeads: kvHeads(fields, type, queryHeads),
    keyDim,
    valueDim: fields.optional(['v_head_dim']) ?? keyDim,
    ...(gated ? { gated } : {}),
  };
}

/** Heads of the layers with a window, where a file gives them apart (MiMo), and of those without (Gemma 4). */
function apart(fields: Fields, heads: Heads): { readonly full: Heads; readonly sliding: Heads } {
  const globalDim = fields.optional(['global_head_dim']) ?? heads.keyDim;
  const full = fields.has('global_head_dim')
    ? {
        ...heads,
        kvHeads: fields.optional(['num_global_key_value_heads']) ?? heads.kvHeads,
        keyDim: globalDim,
        valueDim: globalDim,
      }
    : heads;
  const sliding = {
    ...heads,
    queryHeads: fields.optional(['swa_num_attention_heads']) ?? heads.queryHeads,
    kvHeads: fields.optional(['swa_num_key_value_heads']) ?? heads.kvHeads,
    keyDim: fields.optional(['swa_head_dim']) ?? heads.keyDim,
    valueDim: fields.optional(['swa_v_head_dim', 'swa_head_dim']) ?? heads.valueDim,
  };
  return { full, sliding };
}

function latent(fields: Fields): Mixer {
  const gated = fields.flag('mla_use_output_gate') === true;
  return {
    kind: 'latent',
    queryHeads: fields.count('num_attention_heads', 'n_heads'),
    latentDim: fields.count('kv_lora_rank'),
    ropeDim: fields.count('qk_rope_head_dim'),
    nopeDim: fields.count('qk_nope_head_dim'),
    valueDim: fields.count('v_head_dim'),
    queryRank: fields.orZero('q_lora_rank'),
    ...(gated ? { gated } : {}),
  };
}

function stateBytes(fields: Fields): 2 | 4 {
  return fields.text('mamba_ssm_dtype', 'mamba_ssm_cache_dtype') === 'float32' ? 4 : 2;
}

export function mamba(fields: Fields): Mixer {
  return {
    kind: 'mamba',
    heads: fields.count('mamba_num_heads', 'mamba_n_heads'),
    headDim: fields.count('mamba_head_dim', 'mamba_d_head'),
    stateDim: fields.count('ssm_state_size', 'mamba_d_state'),
    groups: fields.count('n_groups', 'mamba_n_groups'),
    convTokens: fields.count('conv_kernel', 'mamba_d_conv'),
    stateBytesPerElement: stateBytes(fields),
  };
}

function linear(fields: Fields): Mixer {
  const heads = fields.optional(['linear_attn_config.num_heads']);
  const dim = fields.optional(['linear_attn_config.head_dim']);
  if (heads !== null && dim !== null) {
    const convTokens = fields.count('linear_attn_config.short_conv_kernel_size');
    return {
      kind: 'delta',
      keyHeads: heads,
      valueHeads: heads,
      keyDim: dim,
      valueDim: dim,
      convTokens,
      stateBytesPerElement: 4,
    };
  }
  return {
    kind: 'delta',
    keyHeads: fields.count('linear_num_key_heads'),
    valueHeads: fields.count('linear_num_value_heads'),
    keyDim: fields.count('linear_key_head_dim'),
    valueDim: fields.count('linear_value_head_dim'),
    convTokens: fields.count('linear_conv_kernel_dim'),
    stateBytesPerElement: 4,
  };
}

/** Compressed attention: one stored entry for so many tokens; 0 is the window alone. */
function compressed(fields: Fields, heads: Heads, layers: number): Mixer[] | null {
  const ratios = fields.list('compress_ratios', layers);
  if (ratios === null) return null;
  const low = {
    queryRank: fields.count('q_lora_rank'),
    outputRank: fields.count('o_lora_rank'),
    outputGroups: fields.count('o_groups'),
  };
  const windowTokens = fields.count('sliding_window');
  return ratios.map((ratio): Mixer => {
    const shared = { ...heads, ...low, keyIsValue: true };
    if (ratio === 0) return { kind: 'sliding', ...shared, windowTokens };
    if (typeof ratio !== 'number' || !Number.isInteger(ratio) || ratio < 1)
      throw new ConfigRefusal('compress_ratios must hold whole numbers from 0');
    return { kind: 'full', ...shared, entryTokens: ratio };
  });
}

function mixerOf(word: LayerWord, fields: Fields, shape: Shape): Mixer {
  switch (word) {
    case 'none':
      return { kind: 'none' };
    case 'mamba':
      return mamba(fields);
    case 'linear':
      return linear(fields);
    case 'full':
    case 'sliding':
    case 'chunked':
      return attention(word, fields, shape);
    default:
      return word satisfies never;
  }
}

function attention(word: 'full' | 'sliding' | 'chunked', fields: Fields, shape: Shape): Mixer {
  if (word === 'full' && fields.has('kv_lora_rank')) return latent(fields);
  const { full, sliding } = apart(fields, headsOf(fields, shape));
  if (word === 'sliding')
    return { kind: 'sliding', ...sliding, windowTokens: fields.count('sliding_window') };
  if (word === 'chunked')
    return { kind: 'chunked', ...full, chunkTokens: fields.count('attention_chunk_size') };
  return { kind: 'full', ...full };
}

/** The last layers of some models take the keys and values of earlier ones. */
function sharing(mixers: readonly Mixer[], shared: number): Mixer[] {
  return mixers.map((mixer, i) =>
    i >= mixers.length - shared && 'kvHeads' in mixer ? { ...mixer, sharesKv: true } : mixer,
  );
}

/** One mixer a layer. */
export function mixersOf(fields: Fields, shape: Shape): readonly Mixer[] {
  const mixers = fields.has('compress_ratios')
    ? compressed(fields, headsOf(fields, shape), shape.layers)
    : null;
  if (mixers !== null) return mixers;
  const known = new Map<LayerWord, Mixer>();
  const list = layerWords(fields, shape).map((word) => {
    const mixer = known.get(word) ?? mixerOf(word, fields, shape);
    known.set(word, mixer);
    return mixer;
  });
  return sharing(list, fields.orZero('num_kv_shared_layers'));
}
