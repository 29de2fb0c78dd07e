/**
 * Blocks out to host memory and back in, many blocks a map.
 *
 * A staging buffer is mapped once for a whole chunk of blocks: mapping costs half a millisecond and more, whatever its
 * size. Chunks keep the staging memory bounded; while one is mapped the next is being copied.
 */
import type { Gpu } from '../context.ts';
import { checkBytes } from './kernel.ts';

/** Staging memory of one chunk; two are alive at a time. */
const CHUNK_BYTES = 16 * 1024 * 1024;

interface Chunk {
  readonly first: number;
  readonly count: number;
}

function chunksOf(blocks: number, blockBytes: number): Chunk[] {
  const most = Math.max(1, Math.floor(CHUNK_BYTES / blockBytes));
  const chunks: Chunk[] = [];
  for (let first = 0; first < blocks; first += most)
    chunks.push({ first, count: Math.min(most, blocks - first) });
  return chunks;
}

function checkBlocks(pool: GPUBuffer, blockBytes: number, blocks: readonly number[]): void {
  const highest = blocks.reduce((most, block) => Math.max(most, block), -1);
  checkBytes('swap', 'pool', pool, (highest + 1) * blockBytes);
}

/**
 * Copies blocks of a pool to the host, in the order given: word i of blocks[j] at j·blockBytes/4 + i.
 * Work submitted before is included.
 */
export async function swapOut(
  gpu: Gpu,
  pool: GPUBuffer,
  blockBytes: number,
  blocks: readonly number[],
): Promise<Uint32Array> {
  checkBlocks(pool, blockBytes, blocks);
  const out = new Uint32Array((blocks.length * blockBytes) / 4);
  let pending: Promise<void> = Promise.resolve();
  for (const chunk of chunksOf(blocks.length, blockBytes)) {
    const staging = stage(gpu, pool, blockBytes, blocks, chunk);
    const mapped = staging.mapAsync(GPUMapMode.READ);
    await pending;
    pending = mapped.then(() => {
      out.set(new Uint32Array(staging.getMappedRange()), (chunk.first * blockBytes) / 4);
      gpu.buffers.destroy(staging);
    });
    // The error of a lost device is met at the await; until then it must not count as unhandled.
    pending.catch(() => undefined);
  }
  await pending;
  return out;
}

function stage(
  gpu: Gpu,
  pool: GPUBuffer,
  blockBytes: number,
  blocks: readonly number[],
  chunk: Chunk,
): GPUBuffer {
  const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
  const staging = gpu.buffers.create('Swap.out', chunk.count * blockBytes, usage);
  const encoder = gpu.device.createCommandEncoder({ label: 'Swap.out' });
  const part = blocks.slice(chunk.first, chunk.first + chunk.count);
  for (let i = 0; i < part.length;) {
    const bytes = runLength(part, i) * blockBytes;
    encoder.copyBufferToBuffer(pool, (part[i] ?? 0) * blockBytes, staging, i * blockBytes, bytes);
    i += bytes / blockBytes;
  }
  gpu.device.queue.submit([encoder.finish()]);
  return staging;
}

/** Writes blocks from `swapOut` back into these blocks of a pool, in queue order before anything submitted later. */
export function swapIn(
  gpu: Gpu,
  pool: GPUBuffer,
  blockBytes: number,
  blocks: readonly number[],
  words: Uint32Array,
): void {
  checkBlocks(pool, blockBytes, blocks);
  if (words.byteLength !== blocks.length * blockBytes) {
    throw new RangeError(
      `${words.byteLength} bytes were given for ${blocks.length} blocks of ${blockBytes} bytes.`,
    );
  }
  const blockWords = blockBytes / 4;
  for (let first = 0; first < blocks.length;) {
    const count = runLength(blocks, first);
    const { buffer, byteOffset } = words.subarray(first * blockWords);
    const target = (blocks[first] ?? 0) * blockBytes;
    gpu.device.queue.writeBuffer(pool, target, buffer as ArrayBuffer, byteOffset, count * blockBytes);
    first += count;
  }
}

/** Blocks from `first` on that lie next to each other in the pool as they do in the list: one copy command. */
function runLength(blocks: readonly number[], first: number): number {
  let count = 1;
  while (blocks[first + count] === (blocks[first] ?? 0) + count) count++;
  return count;
}
