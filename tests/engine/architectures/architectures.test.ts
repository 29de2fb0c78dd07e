/** config.json of each family as the engine reads it, and everything else refused by name. */
import { describe, expect, test } from 'vitest';
import { readModelConfig, planOf } from '../../../src/engine/architectures/index.ts';
import { matricesOf, vectorsOf } from '../../../src/engine/architectures/plan.ts';
import type { ModelConfig } from '../../../src/engine/config.ts';
import { ModelError } from '../../../src/engine/files/error.ts';
import { parseJsonFile } from '../../../src/engine/files/json-file.ts';
import { readdirReference, referenceText, whyNoReferenceData } from '../../reference-data.ts';
import { PUBLISHED } from './configs.ts';

function published(name: string, more: Readonly<Record<string, unknown>> = {}): ModelConfig {
  return readModelConfig({ ...PUBLISHED[name], ...more }, name);
}

/** Parameters that a plan counts, the shared table of a tied pair once. */
function parameters(config: ModelConfig): number {
  const plan = planOf(config);
  const matrices = matricesOf(plan).filter((matrix) => matrix !== plan.head || !config.tiedEmbeddings);
  return (
    matrices.reduce((sum, { rows, columns }) => sum + rows * columns, 0) +
    vectorsOf(plan).reduce((sum, { length }) => sum + length, 0)
  );
}

describe('published configurations', () => {
  // The numbers of parameters are those that the models' cards state or their safetensors files count.
  test.each([
    { name: 'meta-llama/Llama-2-7b-hf', count: 6_738_415_616, has: { headDim: 128, windowTokens: 0 } },
    { name: 'meta-llama/Llama-3.2-1B-Instruct', count: 1_235_814_400, has: { headDim: 64, kvHeads: 8 } },
    { name: 'HuggingFaceTB/SmolLM2-135M', count: 134_515_008, has: { headDim: 64, kvHeads: 3 } },
    { name: 'mistralai/Mistral-7B-v0.1', count: 7_241_732_096, has: { windowTokens: 4096 } },
    { name: 'Qwen/Qwen2.5-0.5B', count: 494_032_768, has: { windowTokens: 0, headDim: 64 } },
    { name: 'Qwen/Qwen3-0.6B', count: 596_049_920, has: { qkNorm: true, headDim: 128 } },
    { name: 'openai-community/gpt2', count: 124_439_808, has: { tiedEmbeddings: true, intermediate: 3072 } },
    { name: 'facebook/opt-125m', count: 125_239_296, has: { positions: { kind: 'learned', offset: 2 } } },
    { name: 'microsoft/phi-2', count: 2_779_683_840, has: { parallelBlock: true, headDim: 80 } },
  ])('$name has its $count parameters', ({ name, count, has }) => {
    const config = published(name);
    expect(config).toMatchObject(has);
    expect(parameters(config)).toBe(count);
  });

  test('Llama 3.2: scaled RoPE and three ends', () => {
    expect(published('meta-llama/Llama-3.2-1B-Instruct')).toMatchObject({
      positions: {
        kind: 'rope',
        theta: 500_000,
        layout: 'half',
        rotaryDim: 64,
        scaling: {
          kind: 'llama3',
          factor: 32,
          lowFrequencyFactor: 1,
          highFrequencyFactor: 4,
          originalMaxPositions: 8192,
        },
      },
      bosToken: 128_000,
      eosTokens: [128_001, 128_008, 128_009],
    });
  });

  test('Phi-2 turns 32 of 80 channels', () => {
    expect(published('microsoft/phi-2').positions).toMatchObject({ rotaryDim: 32 });
  });

  test('the ends of generation_config.json go first', () => {
    const config = readModelConfig(PUBLISHED['Qwen/Qwen2.5-0.5B'], 'q', { eos_token_id: [151645, 151643] });
    expect(config.eosTokens).toEqual([151645, 151643]);
  });

  test('rope_parameters, the name since transformers 5', () => {
    const { rope_scaling, rope_theta, ...rest } = PUBLISHED['meta-llama/Llama-3.2-1B-Instruct'] ?? {};
    const rope_parameters = { ...(rope_scaling as object), rope_theta };
    expect(readModelConfig({ ...rest, rope_parameters }, 'new')).toEqual({
      ...published('meta-llama/Llama-3.2-1B-Instruct'),
      name: 'new',
    });
  });

  test('YaRN, with the factor on cos and sin that it names or implies', () => {
    const scaling = { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 32768 };
    expect(published('Qwen/Qwen3-0.6B', { rope_scaling: scaling }).positions).toMatchObject({
      scaling: { kind: 'yarn', factor: 4, betaFast: 32, betaSlow: 1, attentionFactor: 0.1 * Math.log(4) + 1 },
    });
    const named = { ...scaling, attention_factor: 1.5 };
    expect(published('Qwen/Qwen3-0.6B', { rope_scaling: named }).positions).toMatchObject({
      scaling: { attentionFactor: 1.5 },
    });
  });
});

describe('windows', () => {
  const qwen = { use_sliding_window: true, sliding_window: 4096 };
  test.each([
    {
      why: 'a window as long as the context is none',
      name: 'mistralai/Mistral-7B-v0.1',
      more: { sliding_window: 32768 },
      window: 0,
    },
    {
      why: 'none from version 0.2 on',
      name: 'mistralai/Mistral-7B-v0.1',
      more: { sliding_window: null },
      window: 0,
    },
    {
      why: 'no layer has it',
      name: 'Qwen/Qwen2.5-0.5B',
      more: { ...qwen, max_window_layers: 24 },
      window: 0,
    },
    {
      why: 'every layer has it',
      name: 'Qwen/Qwen2.5-0.5B',
      more: { ...qwen, max_window_layers: 0 },
      window: 4096,
    },
    {
      why: 'every layer has it by name',
      name: 'Qwen/Qwen3-0.6B',
      more: { ...qwen, layer_types: new Array(28).fill('sliding_attention') },
      window: 4096,
    },
  ])('$why', ({ name, more, window }) => {
    expect(published(name, more).windowTokens).toBe(window);
  });

  test('a mixture of layers is refused', () => {
    expect(() => published('Qwen/Qwen2.5-0.5B', { ...qwen, max_window_layers: 21 })).toThrow(
      "Qwen/Qwen2.5-0.5B can't be run: a window in 3 of its 24 layers is missing here, only all or none.",
    );
  });
});

describe('refused by name, with what is missing', () => {
  const rope = (rope_scaling: object) => ({ rope_scaling });
  test.each([
    {
      name: 'meta-llama/Llama-2-7b-hf',
      more: { model_type: 'gemma2' },
      says: '"gemma2" model, and what that needs is missing here: norms with 1 + weight',
    },
    { name: 'meta-llama/Llama-2-7b-hf', more: { model_type: 'mixtral' }, says: 'a mixture of experts' },
    {
      name: 'meta-llama/Llama-2-7b-hf',
      more: { model_type: 'new_thing' },
      says: 'its model_type "new_thing" is not known here; there are llama, mistral',
    },
    {
      name: 'meta-llama/Llama-2-7b-hf',
      more: rope({ type: 'dynamic', factor: 2 }),
      says: 'its rope_scaling "dynamic" is missing here; there are default, linear, llama3, yarn',
    },
    {
      name: 'meta-llama/Llama-2-7b-hf',
      more: rope({ rope_type: 'longrope' }),
      says: 'its rope_scaling "longrope" is missing',
    },
    {
      name: 'meta-llama/Llama-2-7b-hf',
      more: { quantization_config: { quant_method: 'gptq' } },
      says: 'its weights are quantized by "gptq"',
    },
    {
      name: 'meta-llama/Llama-2-7b-hf',
      more: { num_key_value_heads: 2 },
      says: '16 query heads share a KV head and the attention kernels take 8',
    },
    {
      name: 'meta-llama/Llama-2-7b-hf',
      more: { hidden_act: 'relu2' },
      says: 'its activation "relu2" is missing here; there are silu',
    },
    {
      name: 'facebook/opt-125m',
      more: { do_layer_norm_before: false },
      says: 'norms after attention and MLP (do_layer_norm_before: false, as OPT-350m)',
    },
    {
      name: 'facebook/opt-125m',
      more: { word_embed_proj_dim: 512 },
      says: 'an embedding of width 512 projected to 768 is missing',
    },
    {
      name: 'microsoft/phi-2',
      more: { qk_layernorm: true },
      says: 'LayerNorm over queries and keys (qk_layernorm) is missing',
    },
    {
      name: 'openai-community/gpt2',
      more: { scale_attn_by_inverse_layer_idx: true },
      says: 'attention scaled by the layer',
    },
    {
      name: 'openai-community/gpt2',
      more: { add_cross_attention: true },
      says: 'cross-attention is missing here',
    },
  ])('$says', ({ name, more, says }) => {
    const read = () => published(name, more);
    expect(read).toThrow(ModelError);
    expect(read).toThrow(says);
    expect(read).toThrow(name);
  });

  test.each([
    { more: { hidden_size: -1 }, says: 'hidden_size is -1; the least is 1' },
    { more: { hidden_size: 2 ** 60 }, says: 'hidden_size is 1152921504606847000; the most is 65536' },
    { more: { num_hidden_layers: 1.5 }, says: 'num_hidden_layers is 1.5; a whole number is needed' },
    { more: { vocab_size: 'many' }, says: 'vocab_size is "many"; a number is needed' },
    { more: { vocab_size: undefined }, says: 'vocab_size is missing; add it' },
    { more: { num_key_value_heads: 5 }, says: "32 query heads can't share 5 KV heads evenly" },
    { more: { num_attention_heads: 33, num_key_value_heads: 33 }, says: 'a width of 4096 over 33 heads' },
    { more: { head_dim: 7 }, says: '7 of 7 channels of a head are turned; an even number up to 7' },
  ])('a field that does not fit: $says', ({ more, says }) => {
    expect(() => published('meta-llama/Llama-2-7b-hf', more)).toThrow(says);
    expect(() => published('meta-llama/Llama-2-7b-hf', more)).toThrow(ModelError);
  });

  test('no object at all', () => {
    expect(() => readModelConfig([1], 'x')).toThrow('x: config.json holds no object.');
    expect(() => readModelConfig({}, 'x')).toThrow('model_type is missing; add it.');
  });
});

test('whatever stands in a field, the answer is a configuration with a plan, or a ModelError', () => {
  const odd = [
    null,
    -1,
    0,
    0.5,
    1,
    3,
    2 ** 31,
    2 ** 60,
    1e-300,
    '',
    'silu',
    true,
    [],
    [1, 2],
    {},
    { rope_type: 'yarn' },
  ];
  for (const [name, fields] of Object.entries(PUBLISHED)) {
    for (const field of [
      ...Object.keys(fields),
      'rope_scaling',
      'rope_parameters',
      'layer_types',
      'n_inner',
    ]) {
      for (const value of odd) {
        try {
          const config = published(name, { [field]: value });
          expect(planOf(config).layers).toHaveLength(config.layers);
        } catch (error) {
          expect(error).toBeInstanceOf(ModelError);
        }
      }
    }
  }
});

const missing = whyNoReferenceData('models/configs');
describe.skipIf(missing !== null)(`published files${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const runs = /^(Qwen--Qwen3-(0\.6B|1\.7B|8B|32B)|meta-llama--Meta-Llama-3\.1-(8B|70B))\.json$/;
  const files = missing ? [] : readdirReference('models/configs');

  test.each(files.map((file) => ({ file })))('$file', ({ file }) => {
    const read = () => readModelConfig(parseJsonFile(file, referenceText(`models/configs/${file}`)), file);
    if (runs.test(file)) {
      expect(read().layers).toBeGreaterThan(20);
      return;
    }
    // Everything else has experts, images, states, latents, or more query heads to a KV head than the kernels take.
    expect(read).toThrow(ModelError);
    // One of them writes Infinity, which is no JSON.
    expect(read).toThrow(/missing here|not known here|take 8|not valid JSON/);
  });
});
