/** What each layer kind keeps, against the published figures of whole models. */
import { describe, expect, test } from 'vitest';
import {
  keptTokens,
  kindSequenceBytes,
  kvElementBits,
  layerKv,
  mixerBytesPerToken,
  mixerStateBytes,
  modelBytesPerToken,
  sequenceKvBytes,
  type ServedKvFormat,
} from '../../../src/core/kv/layers.ts';
import { findArchitecture, type Architecture, type Mixer } from '../../../src/core/model/architecture.ts';
import { vectors } from '../../golden/vectors.ts';

function known(name: string): Architecture {
  const model = findArchitecture(name);
  if (!model) throw new Error(`No architecture ${name}.`);
  return model;
}

const bf16 = { format: 'bf16' } as const;

describe('the records give the bytes that the vectors give', () => {
  const cases = vectors('kv/token/').filter(({ id }) => {
    const [, , model = '', format = ''] = id.split('/');
    return findArchitecture(model) !== undefined && !format.includes('ds');
  });

  test('for most of the models that they name', () => {
    expect(cases.length).toBeGreaterThanOrEqual(18);
  });

  test.each(cases)('$id', ({ id, expected }) => {
    const [, , model = '', format = ''] = id.split('/');
    const stored: ServedKvFormat = format.startsWith('fp8') ? 'fp8' : 'bf16';
    expect(modelBytesPerToken(known(model), { format: stored })).toBe(expected);
  });

  test('DeepSeek-V3 in the packed fp8 format', () => {
    const [vector] = vectors('kv/token/DeepSeek-V3/fp8_ds_mla');
    expect(modelBytesPerToken(known('DeepSeek-V3'), { format: 'fp8' })).toBe(vector?.expected);
  });

  const hybrids = vectors('kv/hybrid/').filter(
    ({ id }) => findArchitecture(id.split('/')[2] ?? '') !== undefined,
  );

  test('for most of the hybrids', () => {
    expect(new Set(hybrids.map(({ id }) => id.split('/')[2])).size).toBeGreaterThanOrEqual(8);
  });

  test.each(hybrids)('$id', ({ id, input, expected }) => {
    const model = known(id.split('/')[2] ?? '');
    const attention = {
      kinds: model.kinds.filter(({ mixer }) => mixer.kind !== 'mamba' && mixer.kind !== 'delta'),
    };
    expect(sequenceKvBytes(attention, Number(input['tokens']), bf16)).toBe(expected);
  });
});

test.each([
  ['bf16', 128, 16],
  ['fp8', 128, 8],
  ['int8', 128, 8.25],
  ['int8', 64, 8.5],
  ['int4', 128, 5],
  ['int2', 128, 3],
] as const)('%s of %i elements has %f bits each', (format, dim, bits) => {
  expect(kvElementBits(format, dim)).toBe(bits);
});

describe('tensor parallelism', () => {
  const llama = known('Llama-3.1-8B');
  test.each([
    [1, 131_072],
    [2, 65_536],
    [8, 16_384],
    // Sixteen ranks, eight heads: each head is held twice.
    [16, 16_384],
  ])('%i ranks hold %i bytes of a Llama token each', (tensorParallel, bytes) => {
    expect(modelBytesPerToken(llama, { format: 'bf16', tensorParallel })).toBe(bytes);
  });

  test('a latent is held whole by every rank', () => {
    const deepseek = known('DeepSeek-V3');
    expect(modelBytesPerToken(deepseek, { format: 'bf16', tensorParallel: 8 })).toBe(70_272);
  });

  test('Qwen3-235B on four ranks has the 48,128 bytes that vllm-project/vllm#21348 shows', () => {
    expect(modelBytesPerToken(known('Qwen3-235B-A22B'), { format: 'bf16', tensorParallel: 4 })).toBe(48_128);
  });
});

describe('growth with the context', () => {
  const heads = { queryHeads: 8, kvHeads: 2, keyDim: 64, valueDim: 64 };
  const sliding: Mixer = { kind: 'sliding', ...heads, windowTokens: 128 };
  const chunked: Mixer = { kind: 'chunked', ...heads, chunkTokens: 100 };
  test.each([
    [sliding, 0, 0],
    [sliding, 127, 127],
    [sliding, 128, 128],
    [sliding, 129, 128],
    [chunked, 0, 0],
    [chunked, 1, 1],
    [chunked, 100, 100],
    [chunked, 101, 1],
    [chunked, 250, 50],
  ])('$kind keeps of %i tokens %i', (mixer, tokens, kept) => {
    expect(keptTokens(mixer, tokens)).toBe(kept);
  });

  test('keys and values of different widths', () => {
    const mimo = known('MiMo-V2-Flash');
    const [full] = mimo.kinds.filter(({ mixer }) => mixer.kind === 'full');
    if (!full) throw new Error('MiMo has full layers.');
    expect(mixerBytesPerToken(full.mixer, 'bf16')).toBe(4 * (192 + 128) * 2);
  });

  test('keys that serve as values are kept once, and shared K and V not at all', () => {
    expect(mixerBytesPerToken({ kind: 'full', ...heads }, 'bf16')).toBe(2 * 2 * 64 * 2);
    expect(mixerBytesPerToken({ kind: 'full', ...heads, keyIsValue: true }, 'bf16')).toBe(2 * 64 * 2);
    expect(mixerBytesPerToken({ kind: 'full', ...heads, sharesKv: true }, 'bf16')).toBe(0);
    expect(layerKv({ kind: 'full', ...heads, sharesKv: true }, 'bf16')).toBeNull();
  });

  test('a state does not grow', () => {
    const qwen = known('Qwen3.5-27B');
    const [state] = qwen.kinds.filter(({ mixer }) => mixer.kind === 'delta');
    if (!state) throw new Error('Qwen3.5 has layers with a state.');
    // 48 heads × 128 × 128 in f32, and three rows of 2·2,048 + 6,144 in bf16.
    expect(mixerStateBytes(state.mixer)).toBe(48 * 128 * 128 * 4 + 3 * 10_240 * 2);
    expect(layerKv(state.mixer, 'bf16')).toBeNull();
    expect(kindSequenceBytes(state, 0, bf16)).toBe(0);
    expect(kindSequenceBytes(state, 1, bf16)).toBe(kindSequenceBytes(state, 100_000, bf16));
    expect(mixerStateBytes(state.mixer, 4)).toBe(mixerStateBytes(state.mixer) / 4);
  });

  test('at 131,072 tokens a window of 128 in half the layers saves nearly half', () => {
    const model = known('gpt-oss-20b');
    const all = 131_072 * modelBytesPerToken(model, bf16);
    expect(sequenceKvBytes(model, 131_072, bf16) / all).toBeCloseTo(0.5005, 4);
  });
});
