import { beforeAll, describe, expect, it } from 'vitest';
import { planCompaction } from '../../../src/core/kv/compaction.ts';
import { KV_FORMATS, kvLayout } from '../../../src/core/kv/formats.ts';
import { BlockPool, type BlockId, type BlockMove } from '../../../src/core/kv/pool.ts';
import { createRandom } from '../../../src/core/random.ts';
import type { Gpu } from '../../../src/gpu/context.ts';
import { createBlockCopy, encodeBounceCopy } from '../../../src/gpu/kernels/block-copy.ts';
import { blockCopyTwin } from '../../../src/gpu/kernels/block-copy.twin.ts';
import { inErrorScope, openTestGpu } from '../../support/gpu.ts';

const id = (block: number) => block as BlockId;
const moves = (...pairs: [number, number][]): BlockMove[] =>
  pairs.map(([from, to]) => ({ from: id(from), to: id(to) }));
const SCRATCH = id(15);
const BLOCKS = 16;

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
});

async function copied(
  way: 'kernel' | 'bounce',
  start: Uint32Array,
  blockWords: number,
  list: BlockMove[],
): Promise<Uint32Array> {
  const pool = gpu.buffers.upload('test.pool', start);
  const copy = await createBlockCopy(gpu, { blockWords });
  const args = { pool, moves: list, scratch: SCRATCH };
  const { COPY_SRC, COPY_DST } = GPUBufferUsage;
  const staging = gpu.buffers.create('test.staging', 2 * blockWords * 4, COPY_SRC | COPY_DST);
  const encoder = gpu.device.createCommandEncoder();
  if (way === 'kernel') {
    const pass = encoder.beginComputePass();
    copy.encode(pass, args);
    pass.end();
  } else encodeBounceCopy(encoder, args, staging, { blockWords });
  gpu.device.queue.submit([encoder.finish()]);
  const words = new Uint32Array(await gpu.buffers.read(pool, 0, start.byteLength));
  gpu.buffers.destroy(pool, staging);
  return words;
}

const LISTS: { name: string; list: BlockMove[] }[] = [
  { name: 'nothing', list: [] },
  { name: 'one copy-on-write', list: moves([3, 0]) },
  { name: 'one source to many', list: moves([3, 0], [3, 1], [3, 2]) },
  { name: 'a chain', list: moves([1, 2], [2, 3], [3, 4]) },
  { name: 'a ring', list: moves([1, 2], [2, 3], [3, 1], [7, 8]) },
];

describe.each(['kernel', 'bounce'] as const)('block copy by %s', (way) => {
  it.each(LISTS)('$name', async ({ list }) => {
    await inErrorScope(gpu, async () => {
      // 1028 words: no multiple of a workgroup's chunk.
      const blockWords = 1028;
      const start = Uint32Array.from({ length: BLOCKS * blockWords }, (_, i) => i ^ 0x5a5a5a5a);
      const expected = start.slice();
      blockCopyTwin(expected, blockWords, list);
      const words = await copied(way, start, blockWords, list);
      const end = (BLOCKS - 1) * blockWords;
      expect(words.subarray(0, end)).toEqual(expected.subarray(0, end));
    });
  });

  it.each(KV_FORMATS)('compaction of %s blocks', async (format) => {
    await inErrorScope(gpu, async () => {
      const { blockWords } = kvLayout(format, { kvHeads: 1, headDim: 80, blockSize: 8 });
      const pool = new BlockPool(BLOCKS);
      pool.allocate(BLOCKS);
      for (const block of [0, 2, 3, 7, 11, 15]) pool.release(id(block));
      const list = planCompaction(pool);
      expect(list).toHaveLength(4);
      const random = createRandom(3).fork(format);
      const start = Uint32Array.from({ length: BLOCKS * blockWords }, () => random.nextU32());
      const expected = start.slice();
      blockCopyTwin(expected, blockWords, list);
      expect(await copied(way, start, blockWords, list)).toEqual(expected);
    });
  });

  it('a block of an odd number of words', async () => {
    const start = Uint32Array.from({ length: BLOCKS * 333 }, (_, i) => i);
    const expected = start.slice();
    blockCopyTwin(expected, 333, moves([4, 5]));
    expect(await copied(way, start, 333, moves([4, 5]))).toEqual(expected);
  });
});

describe('a long list', () => {
  it('is cut into dispatches and serves one layer after the other', async () => {
    await inErrorScope(gpu, async () => {
      // 64 KiB a block and 144 moves: 9 MiB, more than a CPU adapter gets in one dispatch.
      const blockWords = 16384;
      const list = Array.from({ length: 144 }, (_, i): BlockMove => ({ from: id(i), to: id(144 + i) }));
      const copy = await createBlockCopy(gpu, { blockWords });
      const starts = [1, 2].map((salt) =>
        Uint32Array.from({ length: 288 * blockWords }, (_, i) => Math.imul(i, salt)),
      );
      const pools = starts.map((start) => gpu.buffers.upload('test.pool', start));
      const encoder = gpu.device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      for (const pool of pools) copy.encode(pass, { pool, moves: list });
      pass.end();
      gpu.device.queue.submit([encoder.finish()]);
      for (const [i, start] of starts.entries()) {
        const pool = pools[i];
        if (!pool) throw new Error('no pool');
        blockCopyTwin(start, blockWords, list);
        const words = new Uint32Array(await gpu.buffers.read(pool, 0, start.byteLength));
        expect(words.findIndex((word, at) => word !== start[at])).toBe(-1);
      }
      gpu.buffers.destroy(...pools);
    });
  });
});

describe('block copy refuses', () => {
  it('a block outside the pool, and a ring without scratch', async () => {
    const copy = await createBlockCopy(gpu, { blockWords: 64 });
    const pool = gpu.buffers.upload('test.pool', new Uint32Array(4 * 64));
    const pass = gpu.device.createCommandEncoder().beginComputePass();
    expect(() => copy.encode(pass, { pool, moves: moves([1, 4]) })).toThrow(
      /pool holds 1024 bytes, .* needs 1280/,
    );
    expect(() => copy.encode(pass, { pool, moves: moves([1, 2], [2, 1]) })).toThrow(/ring/);
    gpu.buffers.destroy(pool);
  });
});
