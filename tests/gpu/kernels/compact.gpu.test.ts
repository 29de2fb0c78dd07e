/** Compaction against its twin, word by word, behind shuffled tables, in every format that allows it. */
import { beforeAll, describe, expect, it } from 'vitest';
import { applyMoves, compactionMoves } from '../../../src/core/eviction/moves.ts';
import { range } from '../../../src/core/eviction/select.ts';
import { KV_FORMATS } from '../../../src/core/kv/formats.ts';
import { createRandom } from '../../../src/core/random.ts';
import { BLOCK_SIZES, HEAD_DIMS } from '../../../src/core/scenario/schema.ts';
import type { Gpu } from '../../../src/gpu/context.ts';
import { createCompaction } from '../../../src/gpu/kernels/compact.ts';
import { compactTwin } from '../../../src/gpu/kernels/compact.twin.ts';
import { inErrorScope, openTestGpu } from '../../support/gpu.ts';
import { pagedCache } from '../../support/paged-cache.ts';
import { productsWithSmallHeads } from '../../support/products.ts';

let gpus: Record<'auto' | 'no-subgroups', Gpu>;
beforeAll(async () => {
  gpus = { auto: await openTestGpu(), 'no-subgroups': await openTestGpu({ subgroups: false }) };
});

const KV_HEADS = 3;

const cases = productsWithSmallHeads(
  {
    tier: ['auto', 'no-subgroups'] as const,
    headDim: HEAD_DIMS,
    blockSize: BLOCK_SIZES,
    format: KV_FORMATS.filter((format) => format !== 'int2'),
    moveHeads: [1, KV_HEADS],
  },
  [['headDim', 'blockSize', 'format', 'moveHeads']],
);

describe('compaction agrees with its twin', () => {
  it.each(cases)('$tier, head dim $headDim, block $blockSize, $format, $moveHeads lists', async (axes) => {
    const { headDim, blockSize, format, moveHeads } = axes;
    const gpu = gpus[axes.tier];
    const random = createRandom(9);
    const contexts = [3 * blockSize + 1, 0, 1, 2 * blockSize];
    const cache = pagedCache({ format, kvHeads: KV_HEADS, headDim, blockSize, contexts, random });
    const rows = contexts.flatMap((length) =>
      range(0, moveHeads).map(() => compactionMoves(range(0, length).filter(() => random.below(2) === 1))),
    );
    const moveStride = Math.max(1, ...contexts);
    const moves = new Uint32Array(rows.length * moveStride * 2);
    const counts = new Uint32Array(rows.length * 2);
    const scores = Float32Array.from({ length: rows.length * moveStride }, (_, i) => i);
    rows.forEach((list, row) => {
      counts[row * 2 + 1] = list.length;
      list.forEach(({ from, to }, m) => moves.set([from, to], (row * moveStride + m) * 2));
    });

    const pool = gpu.buffers.upload('Test.pool', cache.pool);
    const scoreBuffer = gpu.buffers.upload('Test.scores', scores);
    const compaction = await createCompaction(gpu, { format, kvHeads: KV_HEADS, headDim, blockSize });
    const [words, movedScores] = await inErrorScope(gpu, async () => {
      const encoder = gpu.device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      compaction.encode(pass, {
        pool,
        blockTable: gpu.buffers.upload('Test.blockTable', cache.blockTable),
        moves: gpu.buffers.upload('Test.moves', moves),
        counts: gpu.buffers.upload('Test.counts', counts),
        batch: contexts.length,
        moveHeads,
        moveStride,
        tableStride: cache.tableStride,
        scores: scoreBuffer,
        scoreStride: moveStride,
      });
      pass.end();
      gpu.device.queue.submit([encoder.finish()]);
      return [await gpu.buffers.read(pool), await gpu.buffers.read(scoreBuffer)];
    });

    const expected = cache.pool.slice();
    contexts.forEach((_, sequence) => {
      const table = cache.blockTable.subarray(sequence * cache.tableStride);
      for (let head = 0; head < KV_HEADS; head++) {
        const list = rows[sequence * moveHeads + (moveHeads > 1 ? head : 0)] ?? [];
        compactTwin(expected, cache.layout, table, head, list);
      }
    });
    expect(rows.flat().length).toBeGreaterThan(0);
    expect(new Uint32Array(words, 0, expected.length)).toEqual(expected);
    const expectedScores = rows.flatMap((list, row) =>
      applyMoves([...scores.subarray(row * moveStride, (row + 1) * moveStride)], list, moveStride),
    );
    expect([...new Float32Array(movedScores, 0, scores.length)]).toEqual(expectedScores);
  });
});

describe('compaction', () => {
  it('refuses int2 in one sentence', async () => {
    const config = { format: 'int2', kvHeads: 1, headDim: 64, blockSize: 32 } as const;
    await expect(createCompaction(gpus.auto, config)).rejects.toThrow(
      /int2 keys share a scale over 32 tokens, so single tokens cannot move; drop whole blocks/,
    );
  });
});
