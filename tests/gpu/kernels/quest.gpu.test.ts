/** Quest against its twins: bounds, page scores, and decode over the selected pages. */
import { beforeAll, describe, expect, it } from 'vitest';
import { questBounds, questPageScore, selectPages } from '../../../src/core/eviction/quest.ts';
import { range } from '../../../src/core/eviction/select.ts';
import { KV_FORMATS } from '../../../src/core/kv/formats.ts';
import { createRandom } from '../../../src/core/random.ts';
import { BLOCK_SIZES, HEAD_DIMS } from '../../../src/core/scenario/schema.ts';
import type { Gpu } from '../../../src/gpu/context.ts';
import { createPagedDecode } from '../../../src/gpu/kernels/decode.ts';
import { prefillTwin } from '../../../src/gpu/kernels/prefill.twin.ts';
import { createQuest } from '../../../src/gpu/kernels/quest.ts';
import { createTopK } from '../../../src/gpu/kernels/topk.ts';
import { readFloats, readWords, runPass, scratch } from '../../support/dispatch.ts';
import { openTestGpu } from '../../support/gpu.ts';
import { pagedCache, worstError, type PagedCache } from '../../support/paged-cache.ts';
import { productsWithSmallHeads } from '../../support/products.ts';

let gpus: Record<'auto' | 'no-subgroups', Gpu>;
beforeAll(async () => {
  gpus = { auto: await openTestGpu(), 'no-subgroups': await openTestGpu({ subgroups: false }) };
});

const KV_HEADS = 2;
const RESIDUAL_TOKENS = 32;
const TOLERANCE = 1e-4;

function keysOfPage(cache: PagedCache, sequence: number, head: number, page: number): Float64Array[] {
  const { blockSize } = cache.layout.shape;
  const end = Math.min(cache.contextLengths[sequence] ?? 0, (page + 1) * blockSize);
  return range(page * blockSize, end).map((token) => cache.key(sequence, token, head));
}

const cases = productsWithSmallHeads(
  {
    tier: ['auto', 'no-subgroups'] as const,
    headDim: HEAD_DIMS,
    group: [1, 2, 3, 4, 5, 6, 7, 8],
    blockSize: BLOCK_SIZES,
    format: KV_FORMATS,
  },
  [
    ['headDim', 'group', 'format'],
    ['headDim', 'blockSize', 'format'],
  ],
);

describe('Quest agrees with its twins', () => {
  it.each(cases)('$tier, head dim $headDim, group $group, block $blockSize, $format', async (axes) => {
    const { headDim, group, blockSize, format } = axes;
    const gpu = gpus[axes.tier];
    const queryHeads = KV_HEADS * group;
    const contexts = [1, blockSize, 5 * blockSize + 3, 4 * blockSize - 1];
    const shape = { kvHeads: KV_HEADS, headDim, blockSize, format, residualTokens: RESIDUAL_TOKENS };
    const random = createRandom(51);
    const cache = pagedCache({ ...shape, contexts, random });
    const query = Float32Array.from({ length: contexts.length * queryHeads * headDim }, () =>
      random.normal(),
    );
    const maxContextTokens = Math.max(...contexts);
    const pageStride = cache.tableStride;
    const budget = 3;
    const rows = contexts.length * KV_HEADS;
    const quest = await createQuest(gpu, { ...shape, queryHeads });
    const topK = await createTopK(gpu, { moves: false });
    const blocks = cache.pool.length / cache.layout.blockWords;
    const upload = (data: ArrayBufferView) => gpu.buffers.upload('Test.input', data);
    const table = {
      blockTable: upload(cache.blockTable),
      contextLengths: upload(cache.contextLengths),
      batch: contexts.length,
      tableStride: cache.tableStride,
    };
    const bounds = scratch(gpu, 'bounds', quest.boundsBytes(blocks) / 4);
    const pageScores = scratch(gpu, 'pageScores', rows * pageStride);
    const [kept, counts] = [scratch(gpu, 'kept', rows * budget), scratch(gpu, 'counts', rows * 2)];
    const [selectedTable, selectedLengths] = [
      scratch(gpu, 'table', rows * budget),
      scratch(gpu, 'lengths', rows),
    ];
    await runPass(gpu, (pass) => {
      quest.encodeBounds(pass, {
        ...table,
        pool: upload(cache.pool),
        residual: upload(cache.residual),
        residualSlots: upload(cache.residualSlots),
        bounds,
        maxContextTokens,
        lastPages: 0,
      });
      quest.encodeScores(pass, {
        ...table,
        query: upload(query),
        bounds,
        pageScores,
        pageStride,
        maxContextTokens,
      });
      topK.encode(pass, {
        scores: pageScores,
        lengths: table.contextLengths,
        kept,
        counts,
        rows,
        scoreStride: pageStride,
        keptStride: budget,
        budget,
        protect: { first: 0, last: 1 },
        rowsPerLength: KV_HEADS,
        entryTokens: blockSize,
      });
      quest.encodeTable(pass, { ...table, kept, counts, keptStride: budget, selectedTable, selectedLengths });
    });

    const [allBounds, scores] = [await readFloats(gpu, bounds), await readFloats(gpu, pageScores)];
    const [tables, lengths] = [await readWords(gpu, selectedTable), await readWords(gpu, selectedLengths)];
    contexts.forEach((length, b) => {
      for (const head of range(0, KV_HEADS)) {
        const row = b * KV_HEADS + head;
        const pages = range(0, Math.ceil(length / blockSize)).map((page) => {
          const keys = keysOfPage(cache, b, head, page);
          const exact = questBounds(keys);
          const block = cache.blockTable[b * cache.tableStride + page] ?? 0;
          const at = (block * KV_HEADS + head) * 2 * headDim;
          expect(worstError(allBounds.subarray(at, at + headDim), exact.min)).toBeLessThan(1e-6);
          expect(worstError(allBounds.subarray(at + headDim, at + 2 * headDim), exact.max)).toBeLessThan(
            1e-6,
          );
          const queries = range(0, group).map((g) => {
            const first = (b * queryHeads + head * group + g) * headDim;
            return query.subarray(first, first + headDim);
          });
          const bound = Math.max(...queries.map((q) => questPageScore(q, exact)));
          const dots = queries.flatMap((q) =>
            keys.map((key) => q.reduce((sum, x, i) => sum + x * (key[i] ?? 0), 0)),
          );
          expect(bound).toBeGreaterThanOrEqual(Math.max(...dots) - 1e-9);
          return bound;
        });
        const own = scores.subarray(row * pageStride, row * pageStride + pages.length);
        expect(worstError(own, pages)).toBeLessThan(TOLERANCE);
        // The selection by the kernel's own f32 scores, which may order near-equal bounds otherwise than doubles.
        const selected = selectPages(own, pages.length, budget);
        const physical = selected.map((page) => cache.blockTable[b * cache.tableStride + page]);
        expect([...tables.subarray(row * budget, row * budget + selected.length)]).toEqual(physical);
        expect(lengths[row]).toBe(length - (pages.length - selected.length) * blockSize);
      }
    });
  });

  it('renews the newest pages alone', async () => {
    const gpu = gpus.auto;
    const shape = { kvHeads: 1, headDim: 64, blockSize: 8, format: 'f32' as const };
    const cache = pagedCache({ ...shape, contexts: [30], random: createRandom(3) });
    const quest = await createQuest(gpu, { ...shape, queryHeads: 1 });
    const bounds = scratch(
      gpu,
      'bounds',
      quest.boundsBytes(cache.pool.length / cache.layout.blockWords) / 4,
      -5,
    );
    await runPass(gpu, (pass) =>
      quest.encodeBounds(pass, {
        pool: gpu.buffers.upload('Test.pool', cache.pool),
        blockTable: gpu.buffers.upload('Test.table', cache.blockTable),
        contextLengths: gpu.buffers.upload('Test.lengths', cache.contextLengths),
        batch: 1,
        tableStride: cache.tableStride,
        bounds,
        maxContextTokens: 30,
        lastPages: 1,
      }),
    );
    const all = await readFloats(gpu, bounds);
    const written = range(0, all.length / 128).filter((block) => all[block * 128] !== -5);
    expect(written).toEqual([cache.blockTable[3]]);
    const newest = all.subarray((cache.blockTable[3] ?? 0) * 128, (cache.blockTable[3] ?? 0) * 128 + 64);
    expect(worstError(newest, questBounds(keysOfPage(cache, 0, 0, 3)).min)).toBeLessThan(1e-6);
  });
});

describe.each(['auto', 'no-subgroups'] as const)('decode over the selected pages, %s', (tier) => {
  it('attends to exactly the tokens of those pages, head by head', async () => {
    const gpu = gpus[tier];
    const [headDim, group, blockSize, budget] = [64, 4, 16, 3];
    const contexts = [7, 150, 99];
    const shape = { kvHeads: KV_HEADS, headDim, blockSize, format: 'f16' as const };
    const queryHeads = KV_HEADS * group;
    const random = createRandom(61);
    const cache = pagedCache({ ...shape, contexts, random });
    const query = Float32Array.from({ length: contexts.length * queryHeads * headDim }, () =>
      random.normal(),
    );
    // Any selection will do here; each head has its own, and the newest page is among them.
    const selected = contexts.map((length) => {
      const pages = Math.ceil(length / blockSize);
      return range(0, KV_HEADS).map(() =>
        selectPages(
          range(0, pages).map(() => random.uniform()),
          pages,
          budget,
        ),
      );
    });
    const tables = new Uint32Array(contexts.length * KV_HEADS * budget);
    const lengths = contexts.flatMap((length, b) =>
      (selected[b] ?? []).map((pages, head) => {
        const table = pages.map((page) => cache.blockTable[b * cache.tableStride + page] ?? 0);
        tables.set(table, (b * KV_HEADS + head) * budget);
        return length - (Math.ceil(length / blockSize) - pages.length) * blockSize;
      }),
    );
    const upload = (data: ArrayBufferView) => gpu.buffers.upload('Test.input', data);
    const output = scratch(gpu, 'output', query.length);
    const decode = await createPagedDecode(gpu, {
      ...shape,
      queryHeads,
      layout: 'paged',
      tier: 'auto',
      maxBatch: contexts.length,
      maxContextTokens: budget * blockSize,
    });
    await runPass(gpu, (pass) =>
      decode.encode(pass, {
        query: upload(query),
        pool: upload(cache.pool),
        blockTable: upload(tables),
        contextLengths: upload(Uint32Array.from(lengths)),
        output,
        batch: contexts.length,
        maxContextTokens: budget * blockSize,
        tableStride: budget,
        tableHeads: KV_HEADS,
      }),
    );
    const actual = await readFloats(gpu, output);
    contexts.forEach((length, b) => {
      for (const head of range(0, KV_HEADS)) {
        const tokens = (selected[b]?.[head] ?? []).flatMap((page) =>
          range(page * blockSize, Math.min(length, (page + 1) * blockSize)),
        );
        const at = (b * queryHeads + head * group) * headDim;
        const expected = prefillTwin({
          query: query.subarray(at, at + group * headDim),
          queryStarts: [0, 1],
          contextLengths: [tokens.length],
          queryHeads: group,
          kvHeads: 1,
          headDim,
          keys: (_, i) => cache.key(b, tokens[i] ?? 0, head),
          values: (_, i) => cache.value(b, tokens[i] ?? 0, head),
        });
        expect(worstError(actual.subarray(at, at + group * headDim), expected)).toBeLessThan(TOLERANCE);
      }
    });
    decode.destroy();
  });
});
