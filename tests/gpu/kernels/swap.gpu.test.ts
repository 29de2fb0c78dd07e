import { beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../../src/gpu/context.ts';
import { swapIn, swapOut } from '../../../src/gpu/kernels/swap.ts';
import { inErrorScope, openTestGpu } from '../../support/gpu.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
});

/** Index of the first word that differs, −1 when none does; a deep comparison of megabytes takes minutes. */
function firstDifference(a: Uint32Array, b: Uint32Array): number {
  return a.length === b.length ? a.findIndex((word, i) => word !== b[i]) : 0;
}

describe('swap', () => {
  // A block of 6 MiB makes chunks of two blocks; the small one makes one chunk.
  it.each([
    { blockWords: 100, blocks: [5, 0, 3, 4, 1] },
    { blockWords: 1.5 * 1024 * 1024, blocks: [4, 1, 2, 3, 0] },
  ])('$blockWords words a block: out, wiped, and back in elsewhere', async ({ blockWords, blocks }) => {
    await inErrorScope(gpu, async () => {
      const bytes = blockWords * 4;
      const start = Uint32Array.from({ length: 6 * blockWords }, (_, i) => Math.imul(i, 2654435761));
      const pool = gpu.buffers.upload('test.pool', start);
      const out = await swapOut(gpu, pool, bytes, blocks);
      const of = (words: Uint32Array, block: number) =>
        words.subarray(block * blockWords, (block + 1) * blockWords);
      blocks.forEach((block, i) => expect(firstDifference(of(out, i), of(start, block))).toBe(-1));
      gpu.device.queue.writeBuffer(pool, 0, new Uint32Array(start.length));
      const back = [1, 2, 3, 5, 0];
      swapIn(gpu, pool, bytes, back, out);
      const after = new Uint32Array(await gpu.buffers.read(pool, 0, start.byteLength));
      back.forEach((block, i) =>
        expect(firstDifference(of(after, block), of(start, blocks[i] ?? -1))).toBe(-1),
      );
      expect(of(after, 4).every((word) => word === 0)).toBe(true);
      gpu.buffers.destroy(pool);
    });
  });

  it('gives its staging memory back', async () => {
    const pool = gpu.buffers.upload('test.pool', new Uint32Array(64));
    const before = gpu.buffers.allocatedBytes;
    await swapOut(gpu, pool, 64, [0, 1, 2]);
    expect(gpu.buffers.allocatedBytes).toBe(before);
    gpu.buffers.destroy(pool);
  });

  it('refuses a block outside the pool and words that do not fit', async () => {
    const pool = gpu.buffers.upload('test.pool', new Uint32Array(64));
    await expect(swapOut(gpu, pool, 64, [4])).rejects.toThrow(/pool holds 256 bytes, .* needs 320/);
    expect(() => swapIn(gpu, pool, 64, [0], new Uint32Array(3))).toThrow(/12 bytes/);
    gpu.buffers.destroy(pool);
  });
});
