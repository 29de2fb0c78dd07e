/**
 * The KV cache of all layers on the GPU: one pool buffer a layer, and for int2 one buffer of f16 rings a layer.
 *
 * Boundary: bytes. Which block belongs to whom is the block manager's.
 */
import { kvLayout, type KvFormat, type KvLayout } from '../core/kv/formats.ts';
import { ringWords } from '../core/kv/kivi.ts';
import type { Gpu } from '../gpu/context.ts';
import { swapIn, swapOut } from '../gpu/kernels/swap.ts';
import type { ModelConfig } from './config.ts';
import { cacheHeadDim } from './weights-types.ts';

export interface KvCacheSettings {
  readonly format: KvFormat;
  readonly blockSize: number;
  readonly numBlocks: number;
  /** int2: rings, one for each slot, and their tokens. */
  readonly slots: number;
  readonly residualTokens: number;
}

/** Shape of a model's cache, heads padded as the kernels need them. */
export function cacheShape(config: ModelConfig, blockSize: number) {
  return { kvHeads: config.kvHeads, headDim: cacheHeadDim(config), blockSize };
}

export class KvCache {
  readonly layout: KvLayout;
  readonly pools: readonly GPUBuffer[];
  /** Empty but for int2. */
  readonly rings: readonly GPUBuffer[];
  readonly bytes: number;
  readonly #gpu: Gpu;
  /** int2: of one slot in one layer. */
  readonly #ringBytes: number;

  private constructor(
    gpu: Gpu,
    layout: KvLayout,
    pools: readonly GPUBuffer[],
    rings: readonly GPUBuffer[],
    ringBytes: number,
  ) {
    this.#gpu = gpu;
    this.#ringBytes = ringBytes;
    this.layout = layout;
    this.pools = pools;
    this.rings = rings;
    this.bytes = [...pools, ...rings].reduce((sum, { size }) => sum + size, 0);
  }

  /** @throws GpuOutOfMemoryError; nothing is kept then. */
  static async create(gpu: Gpu, config: ModelConfig, settings: KvCacheSettings): Promise<KvCache> {
    const { format, blockSize, numBlocks, slots, residualTokens } = settings;
    const shape = cacheShape(config, blockSize);
    const layout = kvLayout(format, shape);
    const ringBytes = format === 'int2' ? ringWords({ ...shape, residualTokens }) * 4 : 0;
    const made: GPUBuffer[] = [];
    const allocate = async (name: string, bytes: number): Promise<GPUBuffer[]> => {
      const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
      const buffers: GPUBuffer[] = [];
      for (let layer = 0; bytes > 0 && layer < config.layers; layer++) {
        const buffer = await gpu.buffers.tryCreate(`KvCache.${name}`, bytes, STORAGE | COPY_SRC | COPY_DST);
        made.push(buffer);
        buffers.push(buffer);
      }
      return buffers;
    };
    try {
      const pools = await allocate('pool', numBlocks * layout.blockBytes);
      const rings = await allocate('rings', slots * ringBytes);
      return new KvCache(gpu, layout, pools, rings, ringBytes);
    } catch (error) {
      gpu.buffers.destroy(...made);
      throw error;
    }
  }

  /** Bytes of one block over all layers. */
  get blockBytes(): number {
    return this.layout.blockBytes * this.pools.length;
  }

  /** Bytes of one token over all layers, its share of the block's parameters included. */
  get bytesPerToken(): number {
    return this.blockBytes / this.layout.shape.blockSize;
  }

  /** Copies blocks inside every layer, in queue order behind everything that was submitted. */
  copyBlocks(moves: readonly { readonly from: number; readonly to: number }[]): void {
    if (moves.length === 0) return;
    const { device, buffers } = this.#gpu;
    const bytes = this.layout.blockBytes;
    // A copy inside one buffer is not allowed, so blocks take the way through a staging buffer.
    const staging = buffers.create(
      'KvCache.copy',
      moves.length * bytes,
      GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    );
    const encoder = device.createCommandEncoder({ label: 'KvCache.copyBlocks' });
    for (const pool of this.pools) {
      moves.forEach(({ from }, i) =>
        encoder.copyBufferToBuffer(pool, from * bytes, staging, i * bytes, bytes),
      );
      moves.forEach(({ to }, i) => encoder.copyBufferToBuffer(staging, i * bytes, pool, to * bytes, bytes));
    }
    device.queue.submit([encoder.finish()]);
    buffers.destroy(staging);
  }

  /** Blocks to host memory: for each layer their words in the order given. */
  readBlocks(blocks: readonly number[]): Promise<Uint32Array[]> {
    return Promise.all(this.pools.map((pool) => swapOut(this.#gpu, pool, this.layout.blockBytes, blocks)));
  }

  /** Words of `readBlocks` into other blocks, in queue order before anything that is submitted later. */
  writeBlocks(blocks: readonly number[], layers: readonly Uint32Array[]): void {
    this.pools.forEach((pool, layer) => {
      const words = layers[layer];
      if (words) swapIn(this.#gpu, pool, this.layout.blockBytes, blocks, words);
    });
  }

  /** int2: a slot's f16 rings, layer after layer; empty for every other format. */
  async readRings(slot: number): Promise<Uint32Array> {
    const layers = await Promise.all(
      this.rings.map((ring) => swapOut(this.#gpu, ring, this.#ringBytes, [slot])),
    );
    const words = new Uint32Array((layers.length * this.#ringBytes) / 4);
    layers.forEach((layer, i) => words.set(layer, (i * this.#ringBytes) / 4));
    return words;
  }

  /** Words of `readRings` into another slot. */
  writeRings(slot: number, words: Uint32Array): void {
    const ringWords = this.#ringBytes / 4;
    this.rings.forEach((ring, layer) => {
      const own = words.slice(layer * ringWords, (layer + 1) * ringWords);
      swapIn(this.#gpu, ring, this.#ringBytes, [slot], own);
    });
  }

  destroy(): void {
    this.#gpu.buffers.destroy(...this.pools, ...this.rings);
  }
}

/** A layer's pool. @throws RangeError for a layer that there is not */
export function poolOf({ pools }: Pick<KvCache, 'pools'>, layer: number): GPUBuffer {
  const pool = pools[layer];
  if (!pool) throw new RangeError(`The cache has ${pools.length} layers; layer ${layer} was asked for.`);
  return pool;
}
