/** Any config.json as an architecture: the published files, what they leave to their classes, and what is refused. */
import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../../src/core/json.ts';
import { imageTokens, type Architecture } from '../../../src/core/model/architecture.ts';
import { findAnyModel } from '../../../src/core/model/catalogue.ts';
import { architectureFromConfig, architectureFromText } from '../../../src/core/model/config/index.ts';
import { architectureParams } from '../../../src/core/model/parameters.ts';

const LLAMA = {
  model_type: 'llama',
  hidden_size: 4096,
  intermediate_size: 14_336,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  vocab_size: 128_256,
  max_position_embeddings: 131_072,
  tie_word_embeddings: false,
};

function readOf(config: Json, name = 'org/a-model'): Architecture {
  const read = architectureFromConfig(config, name);
  if (!read.ok) throw new Error(read.sentence);
  return read.value;
}

function sentenceOf(config: Json): string {
  const read = architectureFromConfig(config, 'org/a-model');
  return read.ok ? 'read' : read.sentence;
}

function without(config: JsonObject, ...names: string[]): JsonObject {
  return Object.fromEntries(Object.entries(config).filter(([name]) => !names.includes(name)));
}

/** Billions of parameters. */
function billions(model: Architecture): number {
  return architectureParams(model).total / 1e9;
}

test('a plain file has the shapes of the record', () => {
  const model = readOf(LLAMA, 'meta-llama/Llama-3.1-8B');
  const record = findAnyModel('Llama-3.1-8B');
  expect(model).toMatchObject({ id: 'llama-3.1-8b', name: 'Llama-3.1-8B' });
  expect(model.kinds).toEqual(record?.kinds);
  expect(model.source).toMatch(/config\.json of meta-llama\/Llama-3\.1-8B, model_type llama/);
});

describe('fields under other names', () => {
  test('GPT-2: plain perceptrons four times as wide, tied', () => {
    const gpt2 = {
      model_type: 'gpt2',
      n_embd: 768,
      n_layer: 12,
      n_head: 12,
      n_positions: 1024,
      vocab_size: 50_257,
    };
    const model = readOf(gpt2);
    expect(model.tiedEmbeddings).toBe(true);
    expect(model.kinds[0]?.mlp).toEqual({ kind: 'plain', intermediate: 3072 });
    expect(billions(model)).toBeCloseTo(0.1236, 3);
  });

  test('Falcon-7B: one KV head', () => {
    const falcon = {
      model_type: 'falcon',
      hidden_size: 4544,
      num_hidden_layers: 32,
      num_attention_heads: 71,
      multi_query: true,
      new_decoder_architecture: false,
      vocab_size: 65_024,
    };
    const [kind] = readOf(falcon).kinds;
    expect(kind?.mixer).toMatchObject({ kvHeads: 1, keyDim: 64 });
    expect(kind?.mlp).toEqual({ kind: 'plain', intermediate: 18_176 });
  });

  test('DBRX: heads and experts in objects of their own', () => {
    const model = readOf({
      model_type: 'dbrx',
      d_model: 6144,
      n_heads: 48,
      n_layers: 40,
      max_seq_len: 32_768,
      vocab_size: 100_352,
      attn_config: { kv_n_heads: 8 },
      ffn_config: { ffn_hidden_size: 10_752, moe_num_experts: 16, moe_top_k: 4 },
    });
    expect(model.kinds).toEqual(findAnyModel('dbrx')?.kinds);
  });

  test('Gemma 3 leaves heads to its class', () => {
    const model = readOf({
      model_type: 'gemma3',
      mm_tokens_per_image: 256,
      text_config: {
        model_type: 'gemma3_text',
        hidden_size: 2560,
        intermediate_size: 10_240,
        num_hidden_layers: 34,
        sliding_window: 1024,
      },
      vision_config: {
        hidden_size: 1152,
        image_size: 896,
        intermediate_size: 4304,
        num_hidden_layers: 27,
        patch_size: 14,
      },
    });
    const record = findAnyModel('gemma-3-4b');
    expect(model.kinds).toEqual(record?.kinds);
    expect(model.encoder).toEqual(record?.encoder);
    expect(imageTokens(model, 4000, 3000)).toBe(256);
    // The card says 4.30 billion with the encoder.
    expect(billions(model) + (model.encoder?.parameters ?? 0) / 1e9).toBeCloseTo(4.3, 2);
  });
});

test('windows: all layers, none, or a pattern', () => {
  const kindsOf = (more: JsonObject) =>
    readOf({ ...LLAMA, ...more }).kinds.map(({ layers, mixer }) => `${layers} ${mixer.kind}`);
  expect(kindsOf({ model_type: 'mistral', sliding_window: 4096 })).toEqual(['32 sliding']);
  expect(kindsOf({ model_type: 'mistral', sliding_window: null })).toEqual(['32 full']);
  expect(kindsOf({ model_type: 'qwen2', sliding_window: 4096, use_sliding_window: false })).toEqual([
    '32 full',
  ]);
  expect(kindsOf({ model_type: 'qwen2', sliding_window: 4096 })).toEqual(['32 full']);
  expect(kindsOf({ model_type: 'gemma2', sliding_window: 4096 })).toEqual(['16 sliding', '16 full']);
  expect(kindsOf({ model_type: 'cohere2', sliding_window: 4096, sliding_window_pattern: 4 })).toEqual([
    '24 sliding',
    '8 full',
  ]);
  // A window as long as the context is none.
  expect(kindsOf({ model_type: 'mistral', sliding_window: 131_072 })).toEqual(['32 full']);
  expect(kindsOf({ attention_chunk_size: 8192, model_type: 'llama4_text' })).toEqual([
    '24 chunked',
    '8 full',
  ]);
});

test('windows of the later layers, and a pattern in letters', () => {
  const kindsOf = (more: JsonObject) =>
    readOf({ ...LLAMA, ...more }).kinds.map(({ layers, mixer }) => `${layers} ${mixer.kind}`);
  const qwen = { model_type: 'qwen2', sliding_window: 4096, use_sliding_window: true, max_window_layers: 20 };
  expect(kindsOf(qwen)).toEqual(['20 full', '12 sliding']);
  expect(kindsOf({ model_type: 'exaone4', sliding_window: 4096, sliding_window_pattern: 'LLLG' })).toEqual([
    '24 sliding',
    '8 full',
  ]);
});

/** Older files, each with names of its own; parameters in billions as their cards say. */
test.each<[string, JsonObject, number]>([
  [
    'chatglm',
    {
      hidden_size: 4096,
      num_layers: 40,
      num_attention_heads: 32,
      multi_query_attention: true,
      multi_query_group_num: 2,
      kv_channels: 128,
      ffn_hidden_size: 13_696,
      padded_vocab_size: 151_552,
      seq_length: 131_072,
      tie_word_embeddings: false,
    },
    9.4,
  ],
  [
    'qwen',
    {
      hidden_size: 4096,
      num_hidden_layers: 32,
      num_attention_heads: 32,
      intermediate_size: 22_016,
      vocab_size: 151_936,
      seq_length: 8192,
      tie_word_embeddings: false,
    },
    7.72,
  ],
  ['bloom', { n_embed: 4096, n_layer: 30, num_attention_heads: 32, vocab_size: 250_880 }, 7.07],
  ['mpt', { d_model: 4096, n_layers: 32, n_heads: 32, max_seq_len: 2048, vocab_size: 50_432 }, 6.65],
  [
    'gpt_neox',
    {
      hidden_size: 6144,
      num_hidden_layers: 44,
      num_attention_heads: 64,
      intermediate_size: 24_576,
      vocab_size: 50_432,
      max_position_embeddings: 2048,
      tie_word_embeddings: false,
    },
    20.55,
  ],
  [
    'gpt_bigcode',
    {
      n_embd: 6144,
      n_layer: 40,
      n_head: 48,
      n_inner: 24_576,
      n_positions: 8192,
      vocab_size: 49_152,
      multi_query: true,
    },
    15.5,
  ],
  [
    'olmoe',
    {
      hidden_size: 2048,
      num_hidden_layers: 16,
      num_attention_heads: 16,
      num_key_value_heads: 16,
      intermediate_size: 1024,
      num_experts: 64,
      num_experts_per_tok: 8,
      vocab_size: 50_304,
      max_position_embeddings: 4096,
      tie_word_embeddings: false,
    },
    6.92,
  ],
  [
    'ernie4_5_moe',
    {
      hidden_size: 2560,
      num_hidden_layers: 28,
      num_attention_heads: 20,
      num_key_value_heads: 4,
      intermediate_size: 12_288,
      moe_num_experts: 64,
      moe_k: 6,
      moe_num_shared_experts: 2,
      moe_intermediate_size: 1536,
      moe_layer_start_index: 1,
      moe_layer_interval: 1,
      vocab_size: 103_424,
      max_position_embeddings: 131_072,
      tie_word_embeddings: true,
    },
    21.8,
  ],
])('%s', (type, fields, expected) => {
  const model = readOf({ model_type: type, ...fields });
  expect(Math.abs(billions(model) / expected - 1)).toBeLessThan(0.01);
});

test('Bamba names its attention by index', () => {
  const bamba = {
    ...LLAMA,
    attn_layer_indices: [9, 18, 27],
    mamba_n_heads: 128,
    mamba_d_head: 64,
    mamba_d_state: 128,
    mamba_n_groups: 1,
    mamba_d_conv: 4,
  };
  expect(readOf(bamba).kinds.map(({ layers, mixer }) => [layers, mixer.kind])).toEqual([
    [29, 'mamba'],
    [3, 'full'],
  ]);
});

test('images: patches joined behind the tower', () => {
  const vision_config = {
    hidden_size: 1024,
    num_hidden_layers: 24,
    intermediate_size: 4096,
    image_size: 448,
    patch_size: 14,
  };
  const intern = readOf({ llm_config: LLAMA, downsample_ratio: 0.5, vision_config });
  expect(intern.encoder?.imageTokens).toEqual({ kind: 'fixed', tokens: 256 });
  const small = readOf({
    text_config: LLAMA,
    scale_factor: 4,
    vision_config: { ...vision_config, image_size: 512, patch_size: 16 },
  });
  expect(small.encoder?.imageTokens).toEqual({ kind: 'fixed', tokens: 64 });
  const { image_size, ...own } = vision_config;
  const mistral = readOf({
    text_config: LLAMA,
    spatial_merge_size: 2,
    vision_config: { ...own, model_type: 'pixtral', image_size },
  });
  expect(imageTokens(mistral, 1120, 560)).toBe(800);
});

test('the last layers may take the keys of earlier ones', () => {
  const shared = readOf({ ...LLAMA, num_kv_shared_layers: 12 }).kinds;
  expect(shared.map(({ layers, mixer }) => [layers, 'sharesKv' in mixer])).toEqual([
    [20, false],
    [12, true],
  ]);
});

test('granite’s Mamba-2 layers among attention', () => {
  const layer_types = Array.from({ length: 32 }, (_, i) => (i % 8 === 7 ? 'attention' : 'mamba'));
  const mamba = {
    mamba_n_heads: 64,
    mamba_d_head: 64,
    mamba_d_state: 128,
    mamba_n_groups: 1,
    mamba_d_conv: 4,
  };
  const model = readOf({ ...LLAMA, model_type: 'granitemoehybrid', layer_types, ...mamba });
  expect(model.kinds.map(({ layers, mixer }) => [layers, mixer.kind])).toEqual([
    [28, 'mamba'],
    [4, 'full'],
  ]);
});

test('images: fixed tokens, or as many as the image is large', () => {
  const llava = findAnyModel('llava-hf/llava-1.5-7b-hf');
  const qwen = findAnyModel('Qwen/Qwen2.5-VL-7B-Instruct');
  const llama = findAnyModel('llama-3.1-8b');
  if (!llava || !qwen || !llama) throw new Error('A record is missing.');
  expect(imageTokens(llava, 1024, 1024)).toBe(576);
  expect(imageTokens(qwen, 1120, 1120)).toBe(1600);
  expect(imageTokens(qwen, 28, 28)).toBe(1);
  expect(imageTokens(llama, 1024, 1024)).toBeNull();
});

/** What the cards say, encoder and all. */
test.each([
  ['llava-1.5-7b', 7.06],
  ['llava-1.5-13b', 13.35],
  ['qwen2-vl-2b', 2.21],
  ['qwen2-vl-7b', 8.29],
  ['qwen2.5-vl-3b', 3.75],
  ['qwen2.5-vl-7b', 8.29],
  ['qwen3-vl-8b', 8.77],
])('%s has %f billion parameters with its encoder', (name, expected) => {
  const model = findAnyModel(name);
  if (!model?.encoder) throw new Error(`${name} has no encoder.`);
  expect(billions(model) + model.encoder.parameters / 1e9).toBeCloseTo(expected, 1.99);
});

/** What the makers released. */
test.each<[JsonObject, string | undefined]>([
  [{}, undefined],
  [{ quantization_config: { quant_method: 'mxfp4' } }, 'mxfp4'],
  [{ quantization_config: { quant_method: 'fp8', weight_block_size: [128, 128] } }, 'fp8'],
  [{ quantization_config: { quant_method: 'awq', bits: 4 } }, 'int4'],
  [{ quantization_config: { quant_method: 'gptq', bits: 8 } }, 'int8'],
  [{ quantization_config: { quant_method: 'bitsandbytes', load_in_4bit: true } }, 'int4'],
  [{ quantization_config: { quant_method: 'modelopt', quant_algo: 'NVFP4' } }, 'mxfp4'],
  [
    {
      quantization_config: {
        quant_method: 'compressed-tensors',
        config_groups: { group_0: { weights: { num_bits: 8, type: 'float' } } },
      },
    },
    'fp8',
  ],
  [{ quantization_config: { quant_method: 'of tomorrow' } }, undefined],
  [{ expert_dtype: 'fp4' }, 'mxfp4'],
])('released as %o: %s', (fields, format) => {
  expect(readOf({ ...LLAMA, ...fields }).released).toBe(format);
});

/** One clear sentence, with the field. */
test.each<[string, Json, RegExp]>([
  [
    'no layers',
    without(LLAMA, 'num_hidden_layers'),
    /num_hidden_layers \(or n_layer, num_layers\) is missing/,
  ],
  ['no width', without(LLAMA, 'hidden_size'), /hidden_size \(or n_embd, d_model, dim\) is missing/],
  ['no heads', without(LLAMA, 'num_attention_heads'), /num_attention_heads .* is missing/],
  ['no vocabulary', without(LLAMA, 'vocab_size'), /vocab_size .* is missing/],
  ['no context', without(LLAMA, 'max_position_embeddings'), /max_position_embeddings .* is missing/],
  ['no perceptron', without(LLAMA, 'intermediate_size'), /intermediate_size .* is missing/],
  [
    'negative layers',
    { ...LLAMA, num_hidden_layers: -3 },
    /num_hidden_layers is -3; it must be a whole number from 1/,
  ],
  [
    'half a head',
    { ...LLAMA, num_attention_heads: 32.5 },
    /num_attention_heads is 32\.5; it must be a whole/,
  ],
  ['a word', { ...LLAMA, hidden_size: 'big' }, /hidden_size is “big”; it must be a whole number/],
  [
    'absurd layers',
    { ...LLAMA, num_hidden_layers: 100_000 },
    /num_hidden_layers is 100000; the most is 1000/,
  ],
  ['too wide', { ...LLAMA, hidden_size: 1e15 }, /hidden_size is 1000000000000000; it must be/],
  [
    'seven KV heads',
    { ...LLAMA, num_key_value_heads: 7 },
    /num_key_value_heads is 7, which does not divide the 32/,
  ],
  [
    'odd width',
    { ...LLAMA, hidden_size: 4100 },
    /head_dim is missing, and 32 heads do not divide hidden_size 4100/,
  ],
  ['BERT', { ...LLAMA, model_type: 'bert' }, /model_type is “bert”; only decoders of text/],
  ['T5', { ...LLAMA, is_encoder_decoder: true }, /only decoders of text/],
  [
    'cross attention',
    { ...LLAMA, cross_attention_layers: [3] },
    /cross_attention_layers means layers that attend to an image/,
  ],
  [
    'a new layer',
    { ...LLAMA, layer_types: Array(32).fill('wavelet') },
    /layer_types has “wavelet”, a kind of layer that is not known/,
  ],
  ['too few types', { ...LLAMA, layer_types: ['full_attention'] }, /layer_types has 1 entries for 32 layers/],
  [
    'too many active',
    { ...LLAMA, num_experts: 8, num_experts_per_tok: 9 },
    /num_experts_per_tok is 9, more than the 8/,
  ],
  ['experts without a number', { ...LLAMA, num_experts: 8 }, /num_experts_per_tok .* is missing/],
  [
    'windows without a size',
    { ...LLAMA, layer_types: Array(32).fill('sliding_attention') },
    /sliding_window is missing/,
  ],
  ['layers’ own embeddings', { ...LLAMA, hidden_size_per_layer_input: 256 }, /hidden_size_per_layer_input/],
  ['Falcon-H1', { ...LLAMA, mamba_d_ssm: 1024 }, /mamba_d_ssm means layers of Mamba beside attention/],
  [
    'MiniMax-01',
    { ...LLAMA, attn_type_list: Array(32).fill(0) },
    /attn_type_list has layers of lightning attention/,
  ],
  ['Jamba', { ...LLAMA, attn_layer_period: 8 }, /attn_layer_period means layers of Mamba-1/],
  ['Deci', { ...LLAMA, num_key_value_heads_per_layer: [4] }, /num_key_value_heads_per_layer/],
  ['a list', [], /it is no object/],
  ['nothing', {}, /is missing/],
])('refused: %s', (_, config, sentence) => {
  const said = sentenceOf(config);
  expect(said).toMatch(sentence);
  expect(said).toMatch(/^The config\.json of org\/a-model can’t be read: .*\.$/);
});

test('text: broken, too long, with Python’s infinities', () => {
  expect(architectureFromText('{"a":', 'x')).toMatchObject({ ok: false });
  expect(architectureFromText(`"${'x'.repeat(3_000_000)}"`, 'x')).toMatchObject({ ok: false });
  const text = JSON.stringify({ ...LLAMA, time_step_limit: [0, 'INF'] }).replace('"INF"', 'Infinity');
  expect(architectureFromText(text, 'x')).toMatchObject({ ok: true });
  expect(architectureFromText('{"__proto__": {"hidden_size": 1}}', 'x')).toMatchObject({ ok: false });
});

test('a name becomes an id whatever it is', () => {
  expect(readOf(LLAMA, 'Org/My Model_v2!').id).toBe('my-model-v2');
  expect(readOf(LLAMA, '').id).toBe('custom-model');
  expect(readOf(LLAMA, '…').id).toBe('custom');
  expect(readOf(LLAMA, 'x'.repeat(5000)).id.length).toBeLessThanOrEqual(100);
});

test('a model_type that is not known is refused by its name, though its fields look like Llama’s', () => {
  const stranger = { ...LLAMA, model_type: 'wavelet_lm' };
  const refused = architectureFromConfig(stranger, 'org/a-model');
  expect(refused).toMatchObject({ ok: false, unknownType: 'wavelet_lm' });
  expect(sentenceOf(stranger)).toMatch(
    /model_type is “wavelet_lm”, an architecture that is not known .*what is missing is a class/,
  );
  const read = architectureFromConfig(stranger, 'org/a-model', { as: 'llama' });
  expect(read).toMatchObject({
    ok: true,
    value: { source: expect.stringMatching(/wavelet_lm, read as llama$/) },
  });
  // A field that is missing is said first, and is missing however the file is read.
  const short = without(stranger, 'num_hidden_layers');
  for (const options of [{}, { as: 'llama' }] as const) {
    const missing = architectureFromConfig(short, 'org/a-model', options);
    expect(missing).not.toHaveProperty('unknownType');
    expect(missing.ok ? '' : missing.sentence).toMatch(/num_hidden_layers.* missing/);
  }
});

test('what is known stays what it is under `as`, in any spelling; no decoder of text is made one', () => {
  expect(readOf({ ...LLAMA, model_type: 'GLM4-MoE' }).source).toMatch(/model_type GLM4-MoE$/);
  const qwen = { ...LLAMA, model_type: 'qwen3' };
  expect(architectureFromConfig(qwen, 'a', { as: 'llama' })).toEqual(architectureFromConfig(qwen, 'a'));
  expect(architectureFromConfig({ ...LLAMA, model_type: 'bert' }, 'a', { as: 'llama' }).ok).toBe(false);
});
