/**
 * The largest pool that really allocates. WebGPU tells nobody how much memory is left and its limits are no promise, so
 * buffers are asked for and written to until the device refuses, or until `capBytes`.
 *
 * Pools are one buffer a layer, so the probe asks for buffers of a layer's size and counts how many it gets: doubling,
 * then bisecting between what was given and what was refused.
 */
import { GpuOutOfMemoryError } from '../buffers.ts';
import type { Gpu } from '../context.ts';
import { fillBuffer } from './fill.ts';

const MIB = 1_048_576;
const WORDS_A_PAGE = 1024;

export interface LargestPool {
  readonly bytes: number;
  /** True when the cap ended the search, not the device. */
  readonly capped: boolean;
  /** True when the budget of time ended the search. */
  readonly outOfTime: boolean;
}

export interface LargestPoolOptions {
  readonly capBytes: number;
  readonly budgetMs: number;
  readonly now: () => number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (bytes: number) => void;
}

/** Gives everything back before it returns. */
export async function measureLargestPool(gpu: Gpu, options: LargestPoolOptions): Promise<LargestPool> {
  const probe = new PoolProbe(gpu, options);
  try {
    return await probe.search();
  } finally {
    probe.giveBack();
    await gpu.device.queue.onSubmittedWorkDone();
  }
}

class PoolProbe {
  readonly #gpu: Gpu;
  readonly #options: LargestPoolOptions;
  readonly #deadline: number;
  readonly #held: GPUBuffer[] = [];
  #heldBytes = 0;

  constructor(gpu: Gpu, options: LargestPoolOptions) {
    this.#gpu = gpu;
    this.#options = options;
    this.#deadline = options.now() + options.budgetMs;
  }

  async search(): Promise<LargestPool> {
    const { capBytes } = this.#options;
    const largest = Math.min(
      this.#gpu.limits.maxBufferSize,
      this.#gpu.limits.maxStorageBufferBindingSize,
      256 * MIB,
    );
    let step = Math.min(32 * MIB, capBytes);
    let refused = false;
    while (this.#heldBytes < capBytes && step >= MIB) {
      this.#options.signal?.throwIfAborted();
      if (this.#options.now() > this.#deadline) return this.#result({ outOfTime: true });
      const size = Math.min(step, capBytes - this.#heldBytes);
      if (await this.#take(size)) {
        this.#options.onProgress?.(this.#heldBytes);
        if (!refused) step = Math.min(step * 2, largest);
      } else {
        refused = true;
        // Bisects what lies between the bytes that are held and the bytes that were refused, to 16 MiB.
        if (step <= 16 * MIB) break;
        step /= 2;
      }
    }
    return this.#result({ outOfTime: false });
  }

  giveBack(): void {
    this.#gpu.buffers.destroy(...this.#held);
    this.#held.length = 0;
  }

  async #take(bytes: number): Promise<boolean> {
    const size = Math.floor(bytes / 256) * 256;
    try {
      const buffer = await this.#gpu.buffers.tryCreate('LargestPool.probe', size, GPUBufferUsage.STORAGE);
      this.#held.push(buffer);
      await this.#write(buffer);
      this.#heldBytes += size;
      return true;
    } catch (error) {
      if (error instanceof GpuOutOfMemoryError) return false;
      throw error;
    }
  }

  /** Memory may only be found missing when it is first touched. */
  async #write(buffer: GPUBuffer): Promise<void> {
    const { device } = this.#gpu;
    device.pushErrorScope('out-of-memory');
    let full: GPUError | null = null;
    try {
      await fillBuffer(this.#gpu, buffer, WORDS_A_PAGE);
    } finally {
      full = await device.popErrorScope();
    }
    if (full) throw new GpuOutOfMemoryError('LargestPool.probe', buffer.size, this.#heldBytes);
  }

  #result({ outOfTime }: { outOfTime: boolean }): LargestPool {
    return { bytes: this.#heldBytes, capped: this.#heldBytes >= this.#options.capBytes, outOfTime };
  }
}
