/**
 * Eviction end to end: after a policy has dropped tokens, decode attention over what is left equals the twin over the
 * kept tokens. StreamingLLM and PagedEviction edit the table; H2O goes all the way on the GPU: decode with scores,
 * accumulation, selection, compaction, decode again.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { compactionMoves } from '../../../src/core/eviction/moves.ts';
import { keepBlocks, valueKeyScores } from '../../../src/core/eviction/paged-eviction.ts';
import { POLICIES } from '../../../src/core/eviction/policies.ts';
import { range } from '../../../src/core/eviction/select.ts';
import { streamingLlmKeep, streamingLlmTable } from '../../../src/core/eviction/streaming-llm.ts';
import { editTable } from '../../../src/core/eviction/table-edit.ts';
import { createRandom } from '../../../src/core/random.ts';
import type { Gpu } from '../../../src/gpu/context.ts';
import { createCompaction } from '../../../src/gpu/kernels/compact.ts';
import { createPagedDecode } from '../../../src/gpu/kernels/decode.ts';
import type { PagedDecodeArgs } from '../../../src/gpu/kernels/decode-config.ts';
import { createAttentionScores } from '../../../src/gpu/kernels/evict-attention.ts';
import { prefillTwin } from '../../../src/gpu/kernels/prefill.twin.ts';
import { createTopK } from '../../../src/gpu/kernels/topk.ts';
import { readFloats, readWords, runPass, scratch } from '../../support/dispatch.ts';
import { openTestGpu } from '../../support/gpu.ts';
import { pagedCache, worstError, type PagedCache } from '../../support/paged-cache.ts';

let gpus: Record<'auto' | 'no-subgroups', Gpu>;
beforeAll(async () => {
  gpus = { auto: await openTestGpu(), 'no-subgroups': await openTestGpu({ subgroups: false }) };
});

const SHAPE = { kvHeads: 2, headDim: 64, blockSize: 16, format: 'f16' as const };
const GROUP = 3;
const QUERY_HEADS = SHAPE.kvHeads * GROUP;
const TOLERANCE = 1e-4;

/** Attention of one query to the kept tokens of one sequence; `kept` may differ between kv heads. */
function attentionOver(
  cache: PagedCache,
  sequence: number,
  query: Float32Array,
  kept: (head: number) => readonly number[],
): number[] {
  return range(0, SHAPE.kvHeads).flatMap((head) => {
    const tokens = kept(head);
    const at = (sequence * QUERY_HEADS + head * GROUP) * SHAPE.headDim;
    const rows = prefillTwin({
      query: query.subarray(at, at + GROUP * SHAPE.headDim),
      queryStarts: [0, 1],
      contextLengths: [tokens.length],
      queryHeads: GROUP,
      kvHeads: 1,
      headDim: SHAPE.headDim,
      keys: (_, i) => cache.key(sequence, tokens[i] ?? 0, head),
      values: (_, i) => cache.value(sequence, tokens[i] ?? 0, head),
    });
    return [...rows];
  });
}

function setUp(seed: number, contexts: readonly number[]) {
  const random = createRandom(seed);
  const cache = pagedCache({ ...SHAPE, contexts, random });
  const length = contexts.length * QUERY_HEADS * SHAPE.headDim;
  const query = Float32Array.from({ length }, () => random.normal());
  const tables = contexts.map((_, b) => [
    ...cache.blockTable.subarray(b * cache.tableStride, (b + 1) * cache.tableStride),
  ]);
  return { random, cache, query, tables };
}

async function decodeWith(
  gpu: Gpu,
  args: Omit<PagedDecodeArgs, 'output' | 'query' | 'pool'> & { query: Float32Array; pool: GPUBuffer },
): Promise<Float32Array> {
  const decode = await createPagedDecode(gpu, {
    ...SHAPE,
    queryHeads: QUERY_HEADS,
    layout: 'paged',
    tier: 'auto',
    windowed: args.windowTokens !== undefined,
    emitScores: args.scores !== undefined,
    maxBatch: args.batch,
    maxContextTokens: args.maxContextTokens,
  });
  const output = scratch(gpu, 'output', args.query.length);
  const query = gpu.buffers.upload('Test.query', args.query);
  await runPass(gpu, (pass) => decode.encode(pass, { ...args, query, output }));
  decode.destroy();
  return readFloats(gpu, output);
}

describe.each(['auto', 'no-subgroups'] as const)('decode after eviction, %s', (tier) => {
  it('StreamingLLM: over the edited table, through the window and the sinks', async () => {
    const gpu = gpus[tier];
    const contexts = [130, 20, 77, 1];
    const [sinkTokens, windowTokens] = [4, 37];
    const { cache, query, tables } = setUp(71, contexts);
    const edits = contexts.map((length) =>
      streamingLlmTable(length, sinkTokens, windowTokens, SHAPE.blockSize),
    );
    expect(edits.some(({ droppedBlocks }) => droppedBlocks.length > 0)).toBe(true);
    const blockTable = new Uint32Array(contexts.length * cache.tableStride);
    edits.forEach(({ keptBlocks }, b) =>
      blockTable.set(
        keptBlocks.map((index) => tables[b]?.[index] ?? 0),
        b * cache.tableStride,
      ),
    );
    const actual = await decodeWith(gpu, {
      query,
      pool: gpu.buffers.upload('Test.pool', cache.pool),
      blockTable: gpu.buffers.upload('Test.table', blockTable),
      contextLengths: gpu.buffers.upload(
        'Test.lengths',
        Uint32Array.from(edits, ({ length }) => length),
      ),
      batch: contexts.length,
      maxContextTokens: Math.max(...edits.map(({ length }) => length)),
      tableStride: cache.tableStride,
      windowTokens,
      sinkTokens,
    });
    const expected = contexts.flatMap((length, b) =>
      attentionOver(cache, b, query, () => streamingLlmKeep(length, sinkTokens, windowTokens)),
    );
    expect(worstError(actual, expected)).toBeLessThan(TOLERANCE);
  });

  it('PagedEviction: over the table without the lowest blocks', async () => {
    const gpu = gpus[tier];
    const contexts = [130, 64, 97];
    const { cache, query, tables } = setUp(72, contexts);
    const edits = contexts.map((length, b) => {
      const heads = range(0, SHAPE.kvHeads).map((head) => {
        const rows = (read: PagedCache['key']) => range(0, length).map((token) => read(b, token, head));
        return valueKeyScores(rows(cache.key), rows(cache.value));
      });
      const scores = range(0, length).map((token) => heads.reduce((sum, row) => sum + (row[token] ?? 0), 0));
      const blocks = keepBlocks({ length, budget: 64, scores, blockSize: SHAPE.blockSize });
      return { blocks, ...editTable(tables[b] ?? [], length, SHAPE.blockSize, blocks) };
    });
    const blockTable = new Uint32Array(contexts.length * cache.tableStride);
    edits.forEach(({ table }, b) => blockTable.set(table, b * cache.tableStride));
    const actual = await decodeWith(gpu, {
      query,
      pool: gpu.buffers.upload('Test.pool', cache.pool),
      blockTable: gpu.buffers.upload('Test.table', blockTable),
      contextLengths: gpu.buffers.upload(
        'Test.lengths',
        Uint32Array.from(edits, ({ length }) => length),
      ),
      batch: contexts.length,
      maxContextTokens: Math.max(...edits.map(({ length }) => length)),
      tableStride: cache.tableStride,
    });
    const expected = contexts.flatMap((length, b) =>
      attentionOver(cache, b, query, () =>
        (edits[b]?.blocks ?? []).flatMap((block) =>
          range(block * SHAPE.blockSize, Math.min(length, (block + 1) * SHAPE.blockSize)),
        ),
      ),
    );
    expect(worstError(actual, expected)).toBeLessThan(TOLERANCE);
  });

  it('H2O: scores, selection and compaction on the GPU, each kv head for itself', async () => {
    const gpu = gpus[tier];
    const contexts = [130, 20, 77];
    const budget = 48;
    const { cache, query } = setUp(73, contexts);
    const maxContextTokens = Math.max(...contexts);
    const rows = contexts.length * SHAPE.kvHeads;
    const pool = gpu.buffers.upload('Test.pool', cache.pool);
    const blockTable = gpu.buffers.upload('Test.table', cache.blockTable);
    const contextLengths = gpu.buffers.upload('Test.lengths', cache.contextLengths);
    const probabilities = scratch(gpu, 'probabilities', contexts.length * QUERY_HEADS * maxContextTokens);
    const shared = { blockTable, batch: contexts.length, tableStride: cache.tableStride };
    await decodeWith(gpu, {
      ...shared,
      query,
      pool,
      contextLengths,
      maxContextTokens,
      scores: probabilities,
    });

    const scores = scratch(gpu, 'scores', rows * maxContextTokens);
    const [kept, counts] = [scratch(gpu, 'kept', rows * budget), scratch(gpu, 'counts', rows * 2)];
    const moves = scratch(gpu, 'moves', rows * budget * 2);
    const accumulate = await createAttentionScores(gpu);
    const topK = await createTopK(gpu, { moves: true });
    const compaction = await createCompaction(gpu, SHAPE);
    await runPass(gpu, (pass) => {
      accumulate.encode(pass, {
        probabilities,
        contextLengths,
        scores,
        batch: contexts.length,
        queryHeads: QUERY_HEADS,
        scoreHeads: SHAPE.kvHeads,
        maxContextTokens,
        probabilityStride: maxContextTokens,
        scoreStride: maxContextTokens,
        mode: 'sum',
      });
      topK.encode(pass, {
        scores,
        lengths: contextLengths,
        kept,
        counts,
        moves,
        rows,
        scoreStride: maxContextTokens,
        keptStride: budget,
        budget,
        protect: POLICIES.h2o.protectedTokens(budget, SHAPE.blockSize),
        rowsPerLength: SHAPE.kvHeads,
      });
    });
    const before = await readFloats(gpu, scores);
    await runPass(gpu, (pass) =>
      compaction.encode(pass, {
        ...shared,
        pool,
        moves,
        counts,
        moveHeads: SHAPE.kvHeads,
        moveStride: budget,
        scores,
        scoreStride: maxContextTokens,
      }),
    );
    const actual = await decodeWith(gpu, {
      ...shared,
      query,
      pool,
      contextLengths: gpu.buffers.upload(
        'Test.lengths',
        Uint32Array.from(contexts, (n) => Math.min(n, budget)),
      ),
      maxContextTokens: budget,
    });

    const [keptWords, after] = [await readWords(gpu, kept), await readFloats(gpu, scores)];
    const chosen = (b: number, head: number): number[] => {
      const row = b * SHAPE.kvHeads + head;
      const length = contexts[b] ?? 0;
      const own = before.subarray(row * maxContextTokens, row * maxContextTokens + length);
      const keep = POLICIES.h2o.keep({ length, budget, scores: own, blockSize: SHAPE.blockSize });
      expect([...keptWords.subarray(row * budget, row * budget + keep.length)]).toEqual(keep);
      // The sums moved with their tokens.
      compactionMoves(keep).forEach(({ from, to }) => {
        expect(after[row * maxContextTokens + to]).toBe(before[row * maxContextTokens + from]);
      });
      return keep;
    };
    const expected = contexts.flatMap((_, b) => attentionOver(cache, b, query, (head) => chosen(b, head)));
    expect(worstError(actual, expected)).toBeLessThan(TOLERANCE);
  });
});
