/**
 * One layer's cache, filled with random tokens through the append kernels and behind a shuffled table: what attention
 * is checked and timed on, outside of experiments.
 */
import { kvLayout, type KvFormat, type KvLayout } from '../core/kv/formats.ts';
import { createRandom } from '../core/random.ts';
import type { Gpu } from '../gpu/context.ts';
import { createAppender, type Appender } from '../engine/appender.ts';
import { contextBytes, ringBytes } from './kv-bytes.ts';
import { createTokenSource, type TokenSet, type TokenSource } from './token-source.ts';

export interface CacheShape {
  readonly queryHeads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly blockSize: number;
  readonly format: KvFormat;
  /** Ring of int2; unused otherwise. */
  readonly residualTokens: number;
}

export interface FilledCacheOptions {
  readonly shape: CacheShape;
  readonly layout: 'paged' | 'contiguous';
  /** Tokens of each sequence. */
  readonly lengths: readonly number[];
  readonly seed: number;
  /** Most tokens of one append; it is as many submits as that takes. */
  readonly chunkTokens?: number;
}

export interface FilledCache {
  readonly shape: CacheShape;
  readonly layout: KvLayout;
  readonly pool: GPUBuffer;
  readonly ring: GPUBuffer | undefined;
  /** u32 [batch][tableStride] */
  readonly blockTable: GPUBuffer;
  readonly table: Uint32Array;
  readonly tableStride: number;
  readonly lengths: Uint32Array;
  readonly contextLengths: GPUBuffer;
  readonly residualSlots: GPUBuffer;
  /** The first set's queries, keys and values; rows of one chunk. */
  readonly tokens: TokenSet;
  readonly rows: number;
  readonly seed: number;
  /** Bytes of the tokens' K and V, their share of parameters included. */
  readonly kvBytes: number;
  destroy(): void;
}

const CHUNK_TOKENS = 1024;

/** @throws GpuOutOfMemoryError; nothing is kept then. */
export async function createFilledCache(gpu: Gpu, options: FilledCacheOptions): Promise<FilledCache> {
  const { shape, lengths, seed } = options;
  const { blockSize, kvHeads, headDim, queryHeads, format, residualTokens } = shape;
  const layout = kvLayout(format, shape);
  const batch = lengths.length;
  const tableStride = Math.max(1, ...lengths.map((length) => Math.ceil(length / blockSize)));
  const ids = Array.from({ length: batch * tableStride }, (_, i) => i);
  const table = Uint32Array.from(options.layout === 'paged' ? createRandom(seed).shuffled(ids) : ids);
  const total = lengths.reduce((a, b) => a + b, 0);
  const rows = Math.max(batch, Math.min(total, options.chunkTokens ?? CHUNK_TOKENS));
  const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
  const made: GPUBuffer[] = [];
  const keep = (buffer: GPUBuffer): GPUBuffer => {
    made.push(buffer);
    return buffer;
  };
  let source: TokenSource | null = null;
  try {
    const appender = await createAppender(gpu, shape);
    source = await createTokenSource(gpu, { queryHeads, kvHeads, headDim, rows, sets: 1, seed });
    const poolBytes = batch * tableStride * layout.blockBytes;
    const usage = STORAGE | COPY_SRC | COPY_DST;
    const pool = keep(await gpu.buffers.tryCreate('FilledCache.pool', poolBytes, usage));
    const ringsBytes = batch * ringBytes(layout, residualTokens);
    const ring =
      format === 'int2'
        ? keep(await gpu.buffers.tryCreate('FilledCache.ring', ringsBytes, usage))
        : undefined;
    const slots = Uint32Array.from({ length: batch }, (_, b) => batch - 1 - b);
    const cache: FilledCache = {
      shape,
      layout,
      pool,
      ring,
      blockTable: keep(gpu.buffers.upload('FilledCache.table', table)),
      table,
      tableStride,
      lengths: Uint32Array.from(lengths),
      contextLengths: keep(gpu.buffers.upload('FilledCache.lengths', Uint32Array.from(lengths))),
      residualSlots: keep(gpu.buffers.upload('FilledCache.residualSlots', slots)),
      tokens: source.set(0),
      rows,
      seed,
      kvBytes: lengths.reduce((sum, length) => sum + contextBytes(layout, residualTokens, length), 0),
      destroy() {
        source?.destroy();
        gpu.buffers.destroy(...made);
      },
    };
    await fill(gpu, appender, cache);
    return cache;
  } catch (error) {
    source?.destroy();
    gpu.buffers.destroy(...made);
    throw error;
  }
}

/** Appends every sequence's tokens, a chunk at a time, one submit each. */
async function fill(gpu: Gpu, appender: Appender, cache: FilledCache): Promise<void> {
  const batch = cache.lengths.length;
  const done = new Uint32Array(batch);
  for (;;) {
    const counts = nextChunk(cache, done);
    const tokens = counts.reduce((a, b) => a + b, 0);
    if (tokens === 0) return;
    const slots: number[] = [];
    const starts = new Uint32Array(batch + 1);
    counts.forEach((count, b) => {
      for (let i = 0; i < count; i++) slots.push(slotOf(cache, b, (done[b] ?? 0) + i));
      starts[b + 1] = (starts[b] ?? 0) + count;
      done[b] = (done[b] ?? 0) + count;
    });
    // A sequence that is full already is inactive in this chunk.
    const lengths = done.map((length, b) => ((counts[b] ?? 0) > 0 ? length : 0));
    const buffers = {
      slots: gpu.buffers.upload('FilledCache.slots', Int32Array.from(slots)),
      starts: gpu.buffers.upload('FilledCache.starts', starts),
      lengths: gpu.buffers.upload('FilledCache.chunkLengths', lengths),
    };
    const encoder = gpu.device.createCommandEncoder({ label: 'FilledCache.append' });
    const pass = encoder.beginComputePass();
    appender.encode(pass, {
      key: cache.tokens.key,
      value: cache.tokens.value,
      pool: cache.pool,
      ring: cache.ring,
      slots: buffers.slots,
      tokens,
      sequences: {
        blockTable: cache.blockTable,
        tableStride: cache.tableStride,
        queryStarts: buffers.starts,
        contextLengths: buffers.lengths,
        residualSlots: cache.residualSlots,
        batch,
        maxNewTokens: Math.max(...counts),
      },
    });
    pass.end();
    gpu.device.queue.submit([encoder.finish()]);
    await gpu.device.queue.onSubmittedWorkDone();
    gpu.buffers.destroy(...Object.values(buffers));
  }
}

function nextChunk({ lengths, rows }: FilledCache, done: Uint32Array): number[] {
  let room = rows;
  return [...lengths].map((length, b) => {
    const count = Math.min(room, length - (done[b] ?? 0));
    room -= count;
    return count;
  });
}

export function slotOf({ table, tableStride, shape }: FilledCache, sequence: number, token: number): number {
  const block = table[sequence * tableStride + Math.floor(token / shape.blockSize)] ?? 0;
  return block * shape.blockSize + (token % shape.blockSize);
}
