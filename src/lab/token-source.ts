/**
 * Stands where the model would: queries, keys and values of new tokens. The lab measures attention and cache, so the
 * numbers are random (with outlier channels, as real keys have), prepared before the clock starts, and taken in turn.
 */
import type { Gpu } from '../gpu/context.ts';
import { createRandomRows } from '../gpu/kernels/random-rows.ts';

export interface TokenSet {
  /** f32 [rows][queryHeads][headDim] */
  readonly query: GPUBuffer;
  /** f32 [rows][kvHeads][headDim] */
  readonly key: GPUBuffer;
  readonly value: GPUBuffer;
}

export interface TokenSourceConfig {
  readonly queryHeads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly rows: number;
  readonly sets: number;
  readonly seed: number;
}

/** Outlier key channels are this many times as large as others (KIVI, arXiv:2402.02750, figure 2). */
export const KEY_OUTLIER = 8;

/** Seed of part 0 (query), 1 (key) or 2 (value) of set i: `tokenSeed(seed, 3 * i + part)`. */
export function tokenSeed(seed: number, part: number): number {
  return (seed + Math.imul(part + 1, 0x9e3779b1)) >>> 0;
}

export interface TokenSource {
  /** The same set for the same index. */
  set(index: number): TokenSet;
  destroy(): void;
}

/** @throws GpuOutOfMemoryError; nothing is kept then. */
export async function createTokenSource(gpu: Gpu, config: TokenSourceConfig): Promise<TokenSource> {
  const { queryHeads, kvHeads, headDim, rows, sets, seed } = config;
  const made: GPUBuffer[] = [];
  const buffer = async (name: string, heads: number): Promise<GPUBuffer> => {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC;
    const created = await gpu.buffers.tryCreate(`TokenSource.${name}`, rows * heads * headDim * 4, usage);
    made.push(created);
    return created;
  };
  try {
    const [queryRows, kvRows] = await Promise.all([
      createRandomRows(gpu, { heads: queryHeads, headDim }),
      createRandomRows(gpu, { heads: kvHeads, headDim }),
    ]);
    const list: TokenSet[] = [];
    for (let i = 0; i < sets; i++) {
      const set = {
        query: await buffer('query', queryHeads),
        key: await buffer('key', kvHeads),
        value: await buffer('value', kvHeads),
      };
      list.push(set);
      const encoder = gpu.device.createCommandEncoder({ label: 'TokenSource.fill' });
      const pass = encoder.beginComputePass();
      const seedOf = (part: number) => tokenSeed(seed, 3 * i + part);
      queryRows.encode(pass, { out: set.query, rows, seed: seedOf(0), outlier: 1 });
      kvRows.encode(pass, { out: set.key, rows, seed: seedOf(1), outlier: KEY_OUTLIER });
      kvRows.encode(pass, { out: set.value, rows, seed: seedOf(2), outlier: 1 });
      pass.end();
      gpu.device.queue.submit([encoder.finish()]);
    }
    await gpu.device.queue.onSubmittedWorkDone();
    return {
      set(index) {
        const found = list[index % list.length];
        if (!found) throw new RangeError(`Set ${index} of ${list.length} was asked for.`);
        return found;
      },
      destroy: () => gpu.buffers.destroy(...made),
    };
  } catch (error) {
    gpu.buffers.destroy(...made);
    throw error;
  }
}
