/** GGUF: the same model as another file, blocks of ggml, and the sentence for each way in which a file can be wrong. */
import { describe, expect, test } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import { dequantizeGgmlBlock, quantizeGgmlBlock } from '../../../src/core/kv/ggml.ts';
import { f16Bits } from '../../../src/core/kv/small-float.ts';
import { memorySource } from '../../../src/engine/files/byte-source.ts';
import { ModelError } from '../../../src/engine/files/error.ts';
import { forwardTwin } from '../../../src/engine/forward.twin.ts';
import { decodeValues } from '../../../src/engine/weights/dtype.ts';
import { openGguf } from '../../../src/engine/weights/gguf.ts';
import { readHostWeights } from '../../../src/engine/weights/host.ts';
import { randomModel } from '../../../src/engine/weights/random.ts';
import { referenceBytes } from '../../reference-data.ts';
import {
  f32Tensor,
  ggufFile,
  joined,
  mutated,
  type FileTensor,
  type GgufValue,
} from '../../support/model-files.ts';
import { NO_REFERENCE_MODELS, openStories260K } from '../../support/reference-models.ts';
import { SMALL_CONFIGS } from '../../support/small-models.ts';

const why = NO_REFERENCE_MODELS === null ? '' : ` (skipped: ${NO_REFERENCE_MODELS})`;

test.skipIf(NO_REFERENCE_MODELS !== null)(`stories260K.gguf is stories260K.bin${why}`, async () => {
  const file = memorySource('stories260K.gguf', await referenceBytes('weights/stories260K.gguf'));
  const { tensors, metadata } = await openGguf(file);
  const other = await openStories260K();
  expect({ ...tensors.config, norm: 0 }).toEqual({ ...other.config, norm: 0 });
  expect(tensors.config.norm.epsilon).toBeCloseTo(1e-5, 10);
  expect(await readHostWeights(tensors)).toEqual(await readHostWeights(other));
  expect(metadata.get('tokenizer.ggml.tokens')).toHaveLength(512);
});

const u32 = (value: number): GgufValue => ({ kind: 'u32', value });
const f32 = (value: number): GgufValue => ({ kind: 'f32', value });

function facts(family: string, more: Readonly<Record<string, GgufValue>> = {}): Record<string, GgufValue> {
  return {
    'general.architecture': { kind: 'text', value: family },
    [`${family}.context_length`]: u32(64),
    [`${family}.embedding_length`]: u32(64),
    [`${family}.block_count`]: u32(1),
    [`${family}.feed_forward_length`]: u32(96),
    [`${family}.attention.head_count`]: u32(4),
    [`${family}.attention.head_count_kv`]: u32(2),
    [`${family}.attention.layer_norm_rms_epsilon`]: f32(1e-5),
    'tokenizer.ggml.eos_token_id': u32(2),
    ...more,
  };
}

const WORD = { q_proj: 'attn_q', k_proj: 'attn_k', v_proj: 'attn_v', o_proj: 'attn_output' } as const;

function ggufName(name: string): string {
  return name
    .replace('model.embed_tokens', 'token_embd')
    .replace('model.norm', 'output_norm')
    .replace('lm_head', 'output')
    .replace('model.layers.', 'blk.')
    .replace('input_layernorm', 'attn_norm')
    .replace('post_attention_layernorm', 'ffn_norm')
    .replace(/self_attn\.([qk])_norm/, 'attn_$1_norm')
    .replace(/self_attn\.(q_proj|k_proj|v_proj|o_proj)/, (_, part: keyof typeof WORD) => WORD[part])
    .replace(/mlp\.(gate|up|down)_proj/, 'ffn_$1');
}

const CONFIG = {
  ...SMALL_CONFIGS.llama,
  layers: 1,
  hidden: 64,
  intermediate: 96,
  headDim: 16,
  positions: { kind: 'rope', theta: 10_000, layout: 'interleaved', rotaryDim: 16, scaling: null },
} as const;

/** The tensors of a random model as GGUF names and stores them. */
async function ggufTensors(
  config = SMALL_CONFIGS.llama,
  type: 'F32' | 'Q8_0' | 'Q4_0' = 'F32',
): Promise<FileTensor[]> {
  const source = randomModel(config, 9);
  const tensors: FileTensor[] = [];
  for (const name of source.names()) {
    const { shape, readRows } = source.tensor(name);
    const values = await readRows(0, shape[0] ?? 0);
    if (type === 'F32' || shape.length === 1) {
      tensors.push(f32Tensor(ggufName(name), shape, values));
      continue;
    }
    const blocks = Array.from({ length: values.length / 32 }, (_, i) =>
      quantizeGgmlBlock(type === 'Q8_0' ? 'q8_0' : 'q4_0', values.slice(32 * i, 32 * (i + 1))),
    );
    tensors.push({ name: ggufName(name), dtype: type, shape, bytes: joined(blocks) });
  }
  return tensors;
}

const open = (bytes: Uint8Array) => openGguf(memorySource('x.gguf', bytes));

describe('families', () => {
  test('Llama turns neighbouring channels', async () => {
    const { tensors } = await open(ggufFile(facts('llama'), await ggufTensors(CONFIG)));
    expect(tensors.config).toMatchObject({
      family: 'llama',
      layers: 1,
      headDim: 16,
      vocab: 67,
      eosTokens: [2],
    });
    expect(tensors.config.positions).toEqual(CONFIG.positions);
    const expected = forwardTwin(CONFIG, await readHostWeights(randomModel(CONFIG, 9)), [1, 5]);
    const epsilon = { ...tensors.config, norm: CONFIG.norm };
    expect(forwardTwin(epsilon, await readHostWeights(tensors), [1, 5])).toEqual(expected);
  });

  test('Qwen2 has biases and turns halves', async () => {
    const config = {
      ...CONFIG,
      family: 'qwen2',
      biases: { ...CONFIG.biases, qkv: true },
      tiedEmbeddings: true,
    } as const;
    const { tensors } = await open(ggufFile(facts('qwen2'), await ggufTensors(config)));
    expect(tensors.config.biases.qkv).toBe(true);
    expect(tensors.config.tiedEmbeddings).toBe(true);
    expect(tensors.config.positions).toMatchObject({ layout: 'half' });
    expect((await readHostWeights(tensors)).layers[0]?.qkv.bias).toHaveLength(128);
  });

  test('Qwen3 has norms over heads of their own width', async () => {
    const config = { ...CONFIG, family: 'qwen3', headDim: 32, qkNorm: true } as const;
    const file = ggufFile(
      facts('qwen3', { 'qwen3.attention.key_length': u32(32) }),
      await ggufTensors(config),
    );
    const { tensors } = await open(file);
    expect(tensors.config).toMatchObject({ family: 'qwen3', headDim: 32, qkNorm: true });
    expect((await readHostWeights(tensors)).layers[0]?.queryNorm).toHaveLength(32);
  });

  test('the divisors of Llama 3.1 are found again in rope_freqs.weight', async () => {
    // Angles of 64 pairs, theta 500,000, divided as Llama 3.1 says (factor 8, 1 to 4 turns of 8,192).
    const divisors = Array.from({ length: 64 }, (_, pair) => {
      const wavelength = 2 * Math.PI * 500_000 ** (pair / 64);
      if (wavelength < 8192 / 4) return 1;
      if (wavelength > 8192) return 8;
      const smooth = (8192 / wavelength - 1) / 3;
      return 1 / ((1 - smooth) / 8 + smooth);
    });
    const config = { ...CONFIG, headDim: 128 };
    const more = { 'llama.attention.key_length': u32(128), 'llama.rope.freq_base': f32(500_000) };
    const plain = await ggufTensors(config);
    const file = (values: readonly number[]) =>
      ggufFile(facts('llama', more), [...plain, f32Tensor('rope_freqs.weight', [64], values)]);
    const { tensors } = await open(file(divisors));
    expect(tensors.config.positions).toMatchObject({
      scaling: {
        kind: 'llama3',
        factor: 8,
        lowFrequencyFactor: 1,
        highFrequencyFactor: 4,
        originalMaxPositions: 8192,
      },
    });
    await expect(open(file(divisors.map((one, i) => one + (i === 40 ? 1 : 0))))).rejects.toThrow(
      'divided by a table (rope_freqs.weight) other than that of Llama 3.1 are missing here',
    );
  });
});

describe('blocks', () => {
  test.each([['Q8_0'], ['Q4_0'], ['Q4_1']] as const)('%s', (type) => {
    const random = createRandom(4);
    const kind = ({ Q8_0: 'q8_0', Q4_0: 'q4_0', Q4_1: 'q4_1' } as const)[type];
    const blocks = Array.from({ length: 3 }, () =>
      quantizeGgmlBlock(
        kind,
        Float32Array.from({ length: 32 }, () => random.normal()),
      ),
    );
    const expected = blocks.flatMap((block) => [...dequantizeGgmlBlock(kind, block)]);
    // A zero code under a negative scale is −0.
    const values = [...decodeValues(type, joined(blocks), 96)].map((x) => x + 0);
    expect(values).toEqual(expected.map((x) => x + 0));
  });

  test('Q6_K, by the layout that its reference gives', () => {
    const random = createRandom(5);
    const codes = Array.from({ length: 256 }, () => random.below(64));
    const scales = Array.from({ length: 16 }, () => random.below(256) - 128);
    const block = new Uint8Array(210);
    for (let half = 0; half < 2; half++) {
      for (let l = 0; l < 32; l++) {
        const [a = 0, b = 0, c = 0, d = 0] = [0, 32, 64, 96].map((run) => codes[half * 128 + run + l] ?? 0);
        block[half * 64 + l] = (a & 15) | ((c & 15) << 4);
        block[half * 64 + 32 + l] = (b & 15) | ((d & 15) << 4);
        block[128 + half * 32 + l] = (a >> 4) | ((b >> 4) << 2) | ((c >> 4) << 4) | ((d >> 4) << 6);
      }
    }
    scales.forEach((scale, i) => (block[192 + i] = scale & 255));
    new DataView(block.buffer).setUint16(208, f16Bits(0.25), true);
    const expected = codes.map((code, i) => (code - 32) * 0.25 * (scales[i >> 4] ?? 0));
    expect([...decodeValues('Q6_K', block, 256)].map((x) => x + 0)).toEqual(expected.map((x) => x + 0));
  });
});

describe('faults, each in one sentence', () => {
  test.each([
    { why: 'no GGUF', make: async () => new Uint8Array(64), says: 'x.gguf is no GGUF file' },
    {
      why: 'version 1',
      make: async () => Uint8Array.of(0x47, 0x47, 0x55, 0x46, 1, 0, 0, 0),
      says: 'version 1; 2 and 3 are read',
    },
    { why: 'cut off', make: async () => (await right()).slice(0, -4000), says: 'and the file has' },
    {
      why: 'cut in the header',
      make: async () => (await right()).slice(0, 300),
      says: 'its header needs byte',
    },
    {
      why: '2^60 tensors',
      make: async () => counted(8, 2n ** 60n),
      says: `claims ${2n ** 60n} of something`,
    },
    { why: '2^40 tensors', make: async () => counted(8, 2n ** 40n), says: `claims ${2n ** 40n} tensors` },
    {
      why: 'Gemma',
      make: async () => ggufFile(facts('gemma2'), []),
      says: 'norms with 1 + weight and scaled embeddings',
    },
    {
      why: 'unheard of',
      make: async () => ggufFile(facts('zzz'), []),
      says: 'it is a "zzz" model, and that is missing here',
    },
    {
      why: 'a mixture of experts',
      make: async () => ggufFile(facts('llama', { 'llama.expert_count': u32(8) }), await ggufTensors(CONFIG)),
      says: 'a mixture of experts is missing here',
    },
    {
      why: 'a fact that is missing',
      make: async () => {
        const { 'llama.block_count': _, ...rest } = facts('llama');
        return ggufFile(rest, await ggufTensors(CONFIG));
      },
      says: 'block_count is missing',
    },
    {
      why: 'no embedding',
      make: async () => ggufFile(facts('llama'), []),
      says: 'x has no tensor token_embd.weight',
    },
  ])('$why', async ({ make, says }) => {
    const error = await open(await make()).then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(ModelError);
    expect(String(error)).toContain(says);
  });

  async function right(): Promise<Uint8Array> {
    return ggufFile(facts('llama'), await ggufTensors(CONFIG));
  }

  async function counted(at: number, count: bigint): Promise<Uint8Array> {
    const bytes = await right();
    new DataView(bytes.buffer).setBigUint64(at, count, true);
    return bytes;
  }

  test('blocks that are not read are refused by name when the model needs them', async () => {
    const tensors = await ggufTensors(CONFIG);
    const file = ggufFile(
      facts('llama'),
      tensors.map((tensor) =>
        tensor.name === 'blk.0.ffn_up.weight' ? { ...tensor, dtype: 'Q4_K' } : tensor,
      ),
    );
    const { tensors: source } = await open(file);
    await expect(readHostWeights(source)).rejects.toThrow(
      '"blk.0.ffn_up.weight" is stored as Q4_K, which is not read here',
    );
  });

  test('whatever is done to a file, its reader ends, with a ModelError or with values', async () => {
    const bytes = await right();
    const random = createRandom(13);
    let refused = 0;
    for (let i = 0; i < 400; i++) {
      try {
        const { tensors } = await open(mutated(bytes, (bound) => random.below(bound)));
        await readHostWeights(tensors);
      } catch (error) {
        expect(error).toBeInstanceOf(ModelError);
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(130);
  });
});
