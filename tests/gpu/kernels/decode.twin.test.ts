import { describe, expect, it } from 'vitest';
import { KV_FORMATS } from '../../../src/core/kv/formats.ts';
import { decodeTwin } from '../../../src/gpu/kernels/decode.twin.ts';
import {
  MAX_SPLITS,
  maxSplitRows,
  planDispatches,
  planSplits,
  type DecodeTuning,
} from '../../../src/gpu/kernels/tuning.ts';
import { decodeCases } from './decode.cases.ts';
import { makeInputs, type DecodeCase } from './decode.inputs.ts';

const CASE: DecodeCase = {
  ...{ format: 'f32', headDim: 16, queryHeads: 4, kvHeads: 2, blockSize: 8, layout: 'paged' },
  lengths: [0, 1, 21],
};

describe('the twin of decode attention', () => {
  it('is the softmax-weighted mean of the values', () => {
    // Two tokens, keys 0 and ln 3 along the query: weights 1/4 and 3/4, scaled by 1/√16.
    const inputs = makeInputs({ ...CASE, queryHeads: 1, kvHeads: 1, lengths: [2], ordered: true });
    const { layout } = inputs;
    const words = new Float32Array(layout.blockWords);
    words[layout.k.rowWords] = 4 * Math.log(3);
    words.fill(8, layout.k.regionWords, layout.k.regionWords + 16);
    words.fill(16, layout.k.regionWords + 16, layout.k.regionWords + 32);
    const query = new Float32Array(16);
    query[0] = 1;
    const result = decodeTwin({ ...inputs, query, pool: new Uint32Array(words.buffer) });
    expect(result.scores[0]?.[0]).toBeCloseTo(0.25, 7);
    expect(result.output[0]).toBeCloseTo(14, 6);
    expect(result.output[15]).toBeCloseTo(14, 6);
  });

  it('gives zeros for an inactive row and the value itself for one token', () => {
    const inputs = makeInputs(CASE);
    const { output, scores } = decodeTwin(inputs);
    expect(output.subarray(0, 64)).toEqual(new Float64Array(64));
    expect(scores.map((row) => row.length)).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 21, 21, 21, 21]);
    // Both query heads of one KV head see the same single value.
    expect(output.subarray(64, 80)).toEqual(output.subarray(80, 96));
  });

  it.each(KV_FORMATS)('%s: probabilities add up to 1, and hidden tokens get none', (format) => {
    const windowed = { ...CASE, format, windowTokens: 9, sinkTokens: 2, residualTokens: 8 };
    const test = format === 'int2' ? windowed : { ...windowed, residualTokens: 0 };
    const { scores, output } = decodeTwin(makeInputs(test));
    const row = scores[8] ?? new Float64Array();
    expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
    expect([...row].map((p) => p > 0)).toEqual(Array.from({ length: 21 }, (_, t) => t < 2 || t >= 12));
    expect(output.every(Number.isFinite)).toBe(true);
  });
});

describe('the cases', () => {
  const axes = [
    'format',
    'headDim',
    'queryHeads',
    'blockSize',
    'layout',
    'emitScores',
    'perHead',
    'tuning',
  ] as const;
  const extra = ['windowTokens', 'sinkTokens'] as const;
  it('let every value of every axis meet every tier', () => {
    const few = decodeCases(false);
    const all = decodeCases(true);
    for (const tier of ['subgroups', 'no-subgroups']) {
      for (const axis of axes) {
        const met = new Set(few.filter((test) => test.tier === tier).map((test) => test[axis]));
        expect([tier, axis, met]).toEqual([tier, axis, new Set(all.map((test) => test[axis]))]);
      }
      for (const axis of extra) {
        expect(
          new Set(few.filter((test) => test.tier === tier).map((test) => Number(test[axis]) > 0)).size,
        ).toBe(2);
      }
    }
  });

  it('hold the full product of tier, group, format, head dimension and block size', () => {
    const key = ({ tier, queryHeads, format, headDim, blockSize }: (typeof all)[number]): string =>
      [tier, queryHeads, format, headDim, blockSize].join();
    const all = decodeCases(true);
    // Beside it that of small heads, with fewer groups and block sizes.
    expect(all.length).toBe(2 * 8 * 7 * 5 * 5 + 2 * 3 * 7 * 3 * 2);
    expect(new Set(all.map(key)).size).toBe(all.length);
  });
});

describe('splits', () => {
  const tuning: DecodeTuning = {
    ...{
      lanes: 4,
      loadWords: 1,
      tokens: 1,
      workgroup: 4,
      prefetchValues: false,
      scatter: false,
      hoist: false,
    },
    ...{ targetWorkgroups: 64, minTokensPerSplit: 128, maxDispatchFlops: 1e9 },
  };
  const SHAPE = { queryHeads: 32, kvHeads: 8, headDim: 128, blockSize: 16 };
  const plan = (batch: number, tokens: number, blockSize = 16): number[] => {
    const { splits, tokensPerSplit } = planSplits(tuning, { ...SHAPE, blockSize }, batch, tokens);
    return [splits, tokensPerSplit];
  };
  it.each([
    { batch: 1, tokens: 0, expected: [1, 128] },
    { batch: 1, tokens: 128, expected: [1, 128] },
    { batch: 1, tokens: 129, expected: [2, 128] },
    { batch: 1, tokens: 2048, expected: [8, 256] },
    { batch: 4, tokens: 2048, expected: [2, 1024] },
    { batch: 8, tokens: 2048, expected: [1, 2048] },
    { batch: 1, tokens: 2049, expected: [8, 272] },
  ])('batch $batch, $tokens tokens', ({ batch, tokens, expected }) => {
    expect(plan(batch, tokens)).toEqual(expected);
  });

  it('cover every token, stay within the workspace, and end on whole blocks', () => {
    for (const blockSize of [8, 24, 64, 128]) {
      for (let batch = 1; batch <= 70; batch++) {
        for (const tokens of [1, 63, 500, 5000, 131072]) {
          const [splits = 0, tokensPerSplit = 0] = plan(batch, tokens, blockSize);
          expect(splits * tokensPerSplit).toBeGreaterThanOrEqual(tokens);
          expect(tokensPerSplit % blockSize).toBe(0);
          expect(splits).toBeLessThanOrEqual(MAX_SPLITS);
          const limits = { ...SHAPE, blockSize, maxBatch: batch, maxContextTokens: tokens };
          expect(batch * splits).toBeLessThanOrEqual(maxSplitRows(tuning, limits));
        }
      }
    }
  });

  it.each([
    { batch: 1, tokens: 2048 },
    { batch: 40, tokens: 2048 },
    { batch: 3, tokens: 100_000 },
    { batch: 5, tokens: 200_001 },
  ])('make dispatches that are short and leave nothing out: $batch × $tokens', ({ batch, tokens }) => {
    const { splits, tokensPerSplit } = planSplits(tuning, SHAPE, batch, tokens);
    const parts = planDispatches(tuning, SHAPE, batch, tokens);
    const seen = new Set<string>();
    for (const { firstSequence, sequences, firstSplit, splits: count } of parts) {
      expect(4 * 32 * 128 * tokensPerSplit * sequences * count).toBeLessThanOrEqual(1.1e9);
      for (let b = 0; b < sequences; b++) {
        for (let s = 0; s < count; s++) seen.add(`${firstSequence + b} ${firstSplit + s}`);
      }
    }
    expect(seen.size).toBe(batch * splits);
    expect(parts.reduce((sum, part) => sum + part.sequences * part.splits, 0)).toBe(batch * splits);
  });
});
