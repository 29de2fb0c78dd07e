/** Bytes, blocks and encodings against the carried vectors: compiled C references, published configurations, formulas. */
import { describe, expect, it } from 'vitest';
import {
  blocksForTokens,
  expectedTailWaste,
  FORMAT_BITS,
  groupedBits,
  layerBytesPerToken,
  numBlocks,
  pageBytes,
  perTokenHeadBits,
  sequenceBytes,
  slidingWindowFreeableBlocks,
  slidingWindowMaxBlocks,
  tailWasteSlots,
  type LayerKv,
  type StoredFormat,
} from '../../../src/core/kv/bytes.ts';
import { quantizationError } from '../../../src/core/kv/error.ts';
import { dequantizeGgmlBlock, GGML_TYPES, quantizeGgmlBlock } from '../../../src/core/kv/ggml.ts';
import { kiviBytes, residualTokens } from '../../../src/core/kv/kivi.ts';
import {
  dequantizeAsymmetric,
  packCodes,
  quantizeAsymmetric,
  quantizeInt8,
} from '../../../src/core/kv/quantize.ts';
import {
  hadamard,
  lloydMaxGaussian,
  turboquantBytes,
  TURBOQUANT_PRESETS,
} from '../../../src/core/kv/rotation.ts';
import {
  decodeSmallFloat,
  E4M3FN,
  E5M2,
  encodeSmallFloat,
  f16Value,
} from '../../../src/core/kv/small-float.ts';
import { vectors, type Vector } from '../../golden/vectors.ts';

/** Input fields as numbers; a missing one is NaN and fails the comparison. */
function numbers(vector: Vector): Record<string, number> {
  return new Proxy(vector.input, { get: (input, name) => Number(input[String(name)] ?? NaN) }) as Record<
    string,
    number
  >;
}

const list = (value: unknown): number[] => (Array.isArray(value) ? value.map(Number) : []);
const fieldOf = (value: unknown, name: string): unknown => (value as Record<string, unknown>)[name];

function layerOf(vector: Vector): LayerKv {
  const n = numbers(vector);
  const bits = (n['bytes_per_elem'] ?? NaN) * 8;
  const kvHeads = n['kv_heads'] ?? NaN;
  switch (vector.input['kind']) {
    case 'mla':
      return {
        kind: 'latent',
        latentDim: n['kv_lora_rank'] ?? NaN,
        ropeDim: n['qk_rope_head_dim'] ?? NaN,
        bits,
      };
    case 'mla_fp8_ds':
      return { kind: 'packed', bytes: n['bytes_per_token_layer'] ?? NaN };
    case 'mha_asym': {
      const dims = { keyDim: n['k_head_dim'] ?? NaN, valueDim: n['v_head_dim'] ?? NaN };
      return { kind: 'heads', kvHeads, ...dims, keyBits: bits, valueBits: bits };
    }
    default: {
      const headDim = n['head_dim'] ?? NaN;
      const stored = (name: string) => FORMAT_BITS[vector.input[name] as StoredFormat] ?? bits;
      const dims = { keyDim: headDim, valueDim: headDim };
      return { kind: 'heads', kvHeads, ...dims, keyBits: stored('type_k'), valueBits: stored('type_v') };
    }
  }
}

/** Relative tolerance per element. */
function expectClose(actual: ArrayLike<number>, expected: unknown, tol: number): void {
  const want = list(expected);
  expect(actual.length).toBe(want.length);
  want.forEach((value, i) =>
    expect(Math.abs((actual[i] ?? NaN) - value)).toBeLessThanOrEqual(tol * Math.max(1, Math.abs(value))),
  );
}

describe('bytes of a token', () => {
  const all = [...vectors('kv/token'), ...vectors('kv/mha-equivalent'), ...vectors('ggml/kv-token')];
  it.each(all)('$id', (vector) => {
    expect(layerBytesPerToken(layerOf(vector)) * Number(vector.input['layers'])).toBe(vector.expected);
  });
});

describe('bytes of a sequence', () => {
  it.each(vectors('kv/hybrid'))('$id', ({ input, expected }) => {
    const groups = (input['groups'] as Record<string, number | null>[]).map((group) => ({
      layers: Number(group['layers']),
      bytesPerToken: Number(group['bytes_per_token_layer']),
      windowTokens: group['window'] ?? null,
    }));
    expect(sequenceBytes(groups, Number(input['tokens']))).toBe(expected);
  });

  it.each(vectors('kv/seq'))('$id', (vector) => {
    const { layers = NaN, tokens = NaN } = numbers(vector);
    const group = { layers, bytesPerToken: layerBytesPerToken(layerOf(vector)), windowTokens: null };
    expect(sequenceBytes([group], tokens)).toBe(vector.expected);
  });
});

describe('pages and blocks', () => {
  it.each(vectors('page/'))('$id', (vector) => {
    const n = numbers(vector);
    const headDim = n['head_dim'] ?? NaN;
    const bits: Record<string, number> = {
      ...FORMAT_BITS,
      fp16: 16,
      per_token_head_8: perTokenHeadBits(headDim),
    };
    const each = bits[String(vector.input['format'])] ?? NaN;
    const dims = { kvHeads: n['kv_heads'] ?? NaN, keyDim: headDim, valueDim: headDim };
    const layer: LayerKv = { kind: 'heads', ...dims, keyBits: each, valueBits: each };
    expect(pageBytes(layer, n['block_size'] ?? NaN)).toBe(vector.expected);
  });

  it.each(vectors('blocks/').filter(({ fn }) => fn === 'blocksForTokens'))('$id', (vector) => {
    const { tokens = NaN, block_size = NaN } = numbers(vector);
    expect({
      blocks: blocksForTokens(tokens, block_size),
      waste_slots: tailWasteSlots(tokens, block_size),
    }).toEqual(vector.expected);
  });

  it.each(vectors('blocks/frag-expected'))('$id', (vector) => {
    expect(expectedTailWaste(numbers(vector)['block_size'] ?? NaN)).toBe(vector.expected);
  });

  it.each(vectors('vllm/swblocks'))('$id', (vector) => {
    const n = numbers(vector);
    const { window = NaN, block_size = NaN } = n;
    expect(
      slidingWindowMaxBlocks(
        window,
        n['max_num_batched_tokens'] ?? NaN,
        n['max_model_len'] ?? NaN,
        block_size,
      ),
    ).toBe(vector.expected);
  });

  it.each(vectors('vllm/swfree'))('$id', (vector) => {
    const { computed_tokens = NaN, window = NaN, block_size = NaN } = numbers(vector);
    expect(slidingWindowFreeableBlocks(computed_tokens, window, block_size)).toBe(vector.expected);
  });

  it.each(vectors('vllm/num_blocks'))('$id', (vector) => {
    const { available_bytes = NaN, page_bytes = NaN, layers = NaN } = numbers(vector);
    const blocks = numBlocks(available_bytes, page_bytes, layers);
    expect(Math.abs(blocks - Number(vector.expected))).toBeLessThanOrEqual(
      vector.tol * Number(vector.expected),
    );
  });
});

describe('bits of an element', () => {
  it.each([...vectors('ggml/bpw'), ...vectors('int8/bits')])('$id', (vector) => {
    const format = String(vector.input['format']);
    const perHead = format === 'int8_per_token_head';
    const bits = perHead
      ? perTokenHeadBits(Number(vector.input['head_dim']))
      : FORMAT_BITS[format as StoredFormat];
    expect(bits).toBe(vector.expected);
  });

  it.each(vectors('kivi/bits'))('$id', (vector) => {
    const { bits = NaN, group = NaN, scale_bits = NaN, zero_bits = NaN } = numbers(vector);
    expect(groupedBits(bits, group, scale_bits, zero_bits)).toBe(vector.expected);
  });
});

describe('ggml blocks are those of the C reference', () => {
  const cases = vectors('ggml/').filter(({ fn }) => fn === 'ggmlQuantizeBlock');
  it.each(cases)('$id', ({ input, expected, tol }) => {
    const type = GGML_TYPES.find((name) => name === input['type']);
    if (!type) throw new Error(`unknown type ${String(input['type'])}`);
    const bytes = quantizeGgmlBlock(type, list(input['x']));
    expect(Buffer.from(bytes).toString('hex')).toBe(fieldOf(expected, 'bytes_hex'));
    expectClose(dequantizeGgmlBlock(type, bytes), fieldOf(expected, 'dequant'), tol);
  });
});

describe('KIVI', () => {
  it.each(vectors('kivi/group'))('$id', ({ input, expected, tol }) => {
    const group = quantizeAsymmetric(list(input['x']), Number(input['bits']));
    expect(group.codes).toEqual(fieldOf(expected, 'codes'));
    expectClose([f16Value(group.scaleBits)], [fieldOf(expected, 'scale')], tol);
    expectClose([f16Value(group.minBits)], [fieldOf(expected, 'min')], tol);
    const decoded = group.codes.map((code) => dequantizeAsymmetric(code, group.scaleBits, group.minBits));
    expectClose(decoded, fieldOf(expected, 'dequant'), tol);
  });

  it.each(vectors('kivi/pack'))('$id', ({ input, expected }) => {
    expect(Array.from(packCodes(list(input['codes']), Number(input['bits'])))).toEqual([expected]);
  });

  it.each(vectors('kivi/layout'))('$id', (vector) => {
    const n = numbers(vector);
    const { tokens = NaN, bits = NaN, group = NaN, residual = NaN, layers = NaN } = n;
    const shape = { bits, group, residualTokens: residual, layers };
    const split = residualTokens(tokens, residual);
    expect({
      k_quant_tokens: split.quantizedKeys,
      k_fp_tokens: split.residualKeys,
      v_quant_tokens: split.quantizedValues,
      v_fp_tokens: split.residualValues,
      bytes: kiviBytes(tokens, { ...shape, kvHeads: n['kv_heads'] ?? NaN, headDim: n['head_dim'] ?? NaN }),
    }).toEqual(vector.expected);
  });
});

describe('fp8', () => {
  it.each(vectors('fp8/'))('$id', ({ input, expected }) => {
    const format = input['format'] === 'e4m3fn' ? E4M3FN : E5M2;
    const byte = encodeSmallFloat(Number(input['x']), format, input['saturate'] === true);
    expect({ byte, decoded: decodeSmallFloat(byte, format) }).toEqual(expected);
  });
});

describe('int8, rotation and error', () => {
  it.each(vectors('int8/token-head'))('$id', ({ input, expected, tol }) => {
    const { scale, codes } = quantizeInt8(list(input['x']));
    expect(codes).toEqual(fieldOf(expected, 'codes'));
    expectClose([scale], [fieldOf(expected, 'scale')], tol);
  });

  it.each(vectors('had/'))('$id', ({ input, expected, tol }) => {
    expectClose(hadamard(list(input['x'])), expected, tol);
  });

  it.each(vectors('tq/lloyd'))('$id', ({ input, expected, tol }) => {
    const book = lloydMaxGaussian(Number(input['bits']));
    expectClose(book.centroids, fieldOf(expected, 'centroids'), tol);
    expectClose([book.mse], [fieldOf(expected, 'mse')], tol);
  });

  it.each(vectors('tq/slot'))('$id', ({ input, expected, tol }) => {
    const headDim = Number(input['head_dim']);
    const { key, value } = turboquantBytes(input['preset'] as keyof typeof TURBOQUANT_PRESETS, headDim);
    expect({ key, value, total: key + value }).toMatchObject({
      key: fieldOf(expected, 'key'),
      value: fieldOf(expected, 'value'),
      total: fieldOf(expected, 'total'),
    });
    expectClose([(headDim * 4) / (key + value)], [fieldOf(expected, 'ratio_vs_fp16')], tol);
  });

  it.each(vectors('metric/err'))('$id', ({ input, expected, tol }) => {
    const error = quantizationError(list(input['x']), list(input['xhat']));
    const names = ['mse', 'rel_l2', 'max_abs', 'cosine', 'snr_db'];
    expectClose(
      [error.mse, error.relativeL2, error.maxAbs, error.cosine, error.snrDb],
      names.map((name) => fieldOf(expected, name)),
      tol,
    );
  });
});
