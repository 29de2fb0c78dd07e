/** Eviction scores against their twins: norms, block means, attention sums, window votes and pooling. */
import { beforeAll, describe, expect, it } from 'vitest';
import { knormScores } from '../../../src/core/eviction/knorm.ts';
import { blockMeans, valueKeyScores } from '../../../src/core/eviction/paged-eviction.ts';
import { range } from '../../../src/core/eviction/select.ts';
import { poolVotes } from '../../../src/core/eviction/snapkv.ts';
import { KV_FORMATS } from '../../../src/core/kv/formats.ts';
import { createRandom } from '../../../src/core/random.ts';
import { BLOCK_SIZES, HEAD_DIMS } from '../../../src/core/scenario/schema.ts';
import type { Gpu } from '../../../src/gpu/context.ts';
import { createAttentionScores } from '../../../src/gpu/kernels/evict-attention.ts';
import { attentionScoresTwin } from '../../../src/gpu/kernels/evict-attention.twin.ts';
import { createNormScores, createPageMeans } from '../../../src/gpu/kernels/evict-norms.ts';
import { createVotePooling, createWindowVotes } from '../../../src/gpu/kernels/evict-window.ts';
import { windowVotesTwin } from '../../../src/gpu/kernels/evict-window.twin.ts';
import { readFloats, runPass, scratch } from '../../support/dispatch.ts';
import { openTestGpu } from '../../support/gpu.ts';
import { pagedCache, worstError } from '../../support/paged-cache.ts';
import { productsWithSmallHeads } from '../../support/products.ts';

let gpus: Record<'auto' | 'no-subgroups', Gpu>;
beforeAll(async () => {
  gpus = { auto: await openTestGpu(), 'no-subgroups': await openTestGpu({ subgroups: false }) };
});

const TIERS = ['auto', 'no-subgroups'] as const;
const KV_HEADS = 2;
const RESIDUAL_TOKENS = 32;
const TOLERANCE = 1e-4;
/** Stands in every output before, so that what nobody wrote is seen. */
const UNTOUCHED = -77;

describe('norm scores agree with their twins', () => {
  const cases = productsWithSmallHeads(
    {
      tier: TIERS,
      headDim: HEAD_DIMS,
      blockSize: BLOCK_SIZES,
      format: KV_FORMATS,
      score: ['key-norm', 'value-key-ratio'] as const,
    },
    [['headDim', 'blockSize', 'format', 'score']],
  );
  it.each(cases)('$tier, $score, head dim $headDim, block $blockSize, $format', async (axes) => {
    const { headDim, blockSize, format, score } = axes;
    const gpu = gpus[axes.tier];
    const contexts = [1, blockSize - 1, 0, blockSize + 1, 2 * blockSize + 9];
    const shape = { kvHeads: KV_HEADS, headDim, blockSize, format, residualTokens: RESIDUAL_TOKENS };
    const cache = pagedCache({ ...shape, contexts, random: createRandom(21) });
    const stride = Math.max(...contexts) + 3;
    const pageStride = Math.ceil(stride / blockSize);
    const scores = scratch(gpu, 'scores', contexts.length * KV_HEADS * stride, UNTOUCHED);
    const pages = scratch(gpu, 'pages', contexts.length * pageStride, UNTOUCHED);
    const upload = (data: Uint32Array) => gpu.buffers.upload('Test.input', data);
    const contextLengths = upload(cache.contextLengths);
    const norms = await createNormScores(gpu, { ...shape, score });
    const means = await createPageMeans(gpu);
    await runPass(gpu, (pass) => {
      norms.encode(pass, {
        pool: upload(cache.pool),
        blockTable: upload(cache.blockTable),
        contextLengths,
        scores,
        residual: upload(cache.residual),
        residualSlots: upload(cache.residualSlots),
        batch: contexts.length,
        maxContextTokens: Math.max(...contexts),
        tableStride: cache.tableStride,
        scoreStride: stride,
      });
      means.encode(pass, {
        tokenScores: scores,
        contextLengths,
        pageScores: pages,
        batch: contexts.length,
        tokenHeads: KV_HEADS,
        pageHeads: 1,
        tokenStride: stride,
        pageStride,
        blockSize,
        maxContextTokens: Math.max(...contexts),
      });
    });
    const [actual, actualPages] = [await readFloats(gpu, scores), await readFloats(gpu, pages)];
    contexts.forEach((length, b) => {
      const perHead = range(0, KV_HEADS).map((head) => {
        const keys = range(0, length).map((token) => cache.key(b, token, head));
        const values = range(0, length).map((token) => cache.value(b, token, head));
        return score === 'key-norm' ? knormScores(keys) : valueKeyScores(keys, values);
      });
      perHead.forEach((expected, head) => {
        const row = (b * KV_HEADS + head) * stride;
        expect(worstError(actual.subarray(row, row + length), expected)).toBeLessThan(TOLERANCE);
        expect(actual.subarray(row + length, row + stride).every((x) => x === UNTOUCHED)).toBe(true);
      });
      const joint = range(0, length).map(
        (t) => perHead.reduce((sum, row) => sum + (row[t] ?? 0), 0) / KV_HEADS,
      );
      const expectedPages = blockMeans(joint, length, blockSize);
      const at = b * pageStride;
      expect(worstError(actualPages.subarray(at, at + expectedPages.length), expectedPages)).toBeLessThan(
        TOLERANCE,
      );
    });
  });
});

describe.each(TIERS)('attention scores agree with their twin, %s', (tier) => {
  it.each([
    { mode: 'sum', scoreHeads: 2, freshTokens: 1 },
    { mode: 'sum', scoreHeads: 2, freshTokens: 5 },
    { mode: 'sum', scoreHeads: 6, freshTokens: 1 },
    { mode: 'newest', scoreHeads: 1, freshTokens: 1 },
  ] as const)(
    '$mode over $scoreHeads rows, $freshTokens fresh',
    async ({ mode, scoreHeads, freshTokens }) => {
      const gpu = gpus[tier];
      const random = createRandom(4);
      const [queryHeads, probabilityStride, scoreStride] = [6, 90, 101];
      const lengths = [1, 63, 64, 65, 0, 90];
      const draw = (count: number) => Float32Array.from({ length: count }, () => random.uniform());
      const probabilities = draw(lengths.length * queryHeads * probabilityStride);
      const before = draw(lengths.length * scoreHeads * scoreStride);
      const scores = gpu.buffers.upload('Test.scores', before);
      const launcher = await createAttentionScores(gpu);
      await runPass(gpu, (pass) =>
        launcher.encode(pass, {
          probabilities: gpu.buffers.upload('Test.probabilities', probabilities),
          contextLengths: gpu.buffers.upload('Test.lengths', Uint32Array.from(lengths)),
          scores,
          batch: lengths.length,
          queryHeads,
          scoreHeads,
          maxContextTokens: 90,
          probabilityStride,
          scoreStride,
          mode,
          freshTokens,
        }),
      );
      const actual = await readFloats(gpu, scores);
      lengths.forEach((length, b) => {
        const rows = (data: Float32Array, heads: number, stride: number) =>
          range(b * heads, (b + 1) * heads).map((row) => data.subarray(row * stride, (row + 1) * stride));
        const expected = attentionScoresTwin({
          probabilities: rows(probabilities, queryHeads, probabilityStride),
          before: rows(before, scoreHeads, scoreStride),
          length,
          mode,
          freshTokens,
        });
        rows(actual, scoreHeads, scoreStride).forEach((row, head) => {
          expect(worstError(row.subarray(0, length), expected[head] ?? [])).toBeLessThan(1e-6);
          const untouched = rows(before, scoreHeads, scoreStride)[head]?.subarray(length);
          expect(row.subarray(length)).toEqual(untouched);
        });
      });
    },
  );
});

describe('window votes agree with their twin', () => {
  const cases = productsWithSmallHeads(
    {
      tier: TIERS,
      headDim: HEAD_DIMS,
      group: [1, 2, 3, 4, 5, 6, 7, 8],
      blockSize: BLOCK_SIZES,
      format: KV_FORMATS,
      windowQueries: [1, 5, 16],
      pooling: ['avg5', 'max7', 'max5'],
    },
    [
      ['headDim', 'group', 'format'],
      ['headDim', 'blockSize', 'format'],
      ['windowQueries', 'pooling'],
    ],
  );
  it.each(cases)(
    '$tier, $windowQueries queries, $pooling, head dim $headDim, group $group, block $blockSize, $format',
    async ({ tier, headDim, group, blockSize, format, windowQueries, pooling }) => {
      const gpu = gpus[tier];
      const queryHeads = KV_HEADS * group;
      const contexts = [1, blockSize + 1, 0, 70, 64 + 7];
      // The second has fewer queries in this step than the window asks for.
      const queries = [1, 3, 2, 20, 16];
      const shape = { kvHeads: KV_HEADS, headDim, blockSize, format, residualTokens: RESIDUAL_TOKENS };
      const random = createRandom(31);
      const cache = pagedCache({ ...shape, contexts, random });
      const starts = queries.reduce<number[]>((list, n) => [...list, (list.at(-1) ?? 0) + n], [0]);
      const totalTokens = starts.at(-1) ?? 0;
      const query = Float32Array.from({ length: totalTokens * queryHeads * headDim }, () => random.normal());
      const maxContextTokens = Math.max(...contexts);
      const stride = maxContextTokens + 2;
      const rows = contexts.length * KV_HEADS;
      const [votes, pooled] = [
        scratch(gpu, 'votes', rows * stride, UNTOUCHED),
        scratch(gpu, 'pooled', rows * stride),
      ];
      const upload = (data: ArrayBufferView) => gpu.buffers.upload('Test.input', data);
      const contextLengths = upload(cache.contextLengths);
      const launcher = await createWindowVotes(gpu, {
        ...shape,
        queryHeads,
        maxBatch: contexts.length,
        maxContextTokens,
        maxWindowQueries: 16,
      });
      const [kind, kernel] = [
        pooling.slice(0, 3) === 'avg' ? 'avg' : 'max',
        Number(pooling.slice(3)),
      ] as const;
      const pool = await createVotePooling(gpu, kind);
      await runPass(gpu, (pass) => {
        launcher.encode(pass, {
          query: upload(query),
          pool: upload(cache.pool),
          blockTable: upload(cache.blockTable),
          queryStarts: upload(Uint32Array.from(starts)),
          contextLengths,
          votes,
          residual: upload(cache.residual),
          residualSlots: upload(cache.residualSlots),
          batch: contexts.length,
          totalTokens,
          maxContextTokens,
          tableStride: cache.tableStride,
          scoreStride: stride,
          windowQueries,
          weight: 'group-mean',
          // Two chunks a pass and one a dispatch.
          maxDispatchMacs: 1,
        });
        pool.encode(pass, {
          votes,
          contextLengths,
          pooled,
          rows,
          rowsPerLength: KV_HEADS,
          scoreStride: stride,
          maxContextTokens,
          windowTokens: windowQueries,
          kernel,
        });
      });
      const [actual, actualPooled] = [await readFloats(gpu, votes), await readFloats(gpu, pooled)];
      launcher.destroy();
      contexts.forEach((length, b) => {
        const voters = length === 0 ? 0 : Math.min(windowQueries, queries[b] ?? 0);
        for (const head of range(0, KV_HEADS)) {
          const expected = windowVotesTwin({
            queries: range((starts[b + 1] ?? 0) - voters, starts[b + 1] ?? 0).map((token) =>
              range(head * group, (head + 1) * group).map((h) => {
                const at = (token * queryHeads + h) * headDim;
                return query.subarray(at, at + headDim);
              }),
            ),
            keys: range(0, length).map((token) => cache.key(b, token, head)),
            weight: 'group-mean',
          });
          const at = (b * KV_HEADS + head) * stride;
          expect(worstError(actual.subarray(at, at + length), expected)).toBeLessThan(TOLERANCE);
          expect(actual.subarray(at + length, at + stride).every((x) => x === UNTOUCHED)).toBe(true);
          const prefix = Math.max(0, length - windowQueries);
          const smooth = poolVotes(expected.subarray(0, prefix), kernel, kind);
          expect(worstError(actualPooled.subarray(at, at + prefix), smooth)).toBeLessThan(TOLERANCE);
        }
      });
    },
  );

  it('accumulates over the chunks of a prompt what H2O sums in one', async () => {
    const gpu = gpus.auto;
    const [headDim, group, blockSize, length] = [64, 2, 16, 45];
    const shape = { kvHeads: 1, headDim, blockSize, format: 'f16' as const };
    const random = createRandom(41);
    const cache = pagedCache({ ...shape, contexts: [length], random });
    const query = Float32Array.from({ length: length * group * headDim }, () => random.normal());
    const launcher = await createWindowVotes(gpu, {
      ...shape,
      queryHeads: group,
      maxBatch: 1,
      maxContextTokens: length,
      maxWindowQueries: length,
    });
    const votes = scratch(gpu, 'votes', length, UNTOUCHED);
    const upload = (data: ArrayBufferView) => gpu.buffers.upload('Test.input', data);
    const chunks = [0, 20, 21, 45];
    for (const [i, start] of chunks.slice(0, -1).entries()) {
      const end = chunks[i + 1] ?? 0;
      await runPass(gpu, (pass) =>
        launcher.encode(pass, {
          query: upload(query.slice(start * group * headDim, end * group * headDim)),
          pool: upload(cache.pool),
          blockTable: upload(cache.blockTable),
          queryStarts: upload(Uint32Array.of(0, end - start)),
          contextLengths: upload(Uint32Array.of(end)),
          votes,
          batch: 1,
          totalTokens: end - start,
          maxContextTokens: end,
          tableStride: cache.tableStride,
          scoreStride: length,
          windowQueries: end - start,
          weight: 'group-sum',
          accumulate: true,
        }),
      );
    }
    const expected = windowVotesTwin({
      queries: range(0, length).map((token) =>
        range(0, group).map((h) =>
          query.subarray((token * group + h) * headDim, (token * group + h + 1) * headDim),
        ),
      ),
      keys: range(0, length).map((token) => cache.key(0, token, 0)),
      weight: 'group-sum',
    });
    expect(worstError((await readFloats(gpu, votes)).subarray(0, length), expected)).toBeLessThan(TOLERANCE);
    launcher.destroy();
  });
});
