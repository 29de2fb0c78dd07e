/** The cache of all layers on the GPU: one pool buffer a layer, and for int2 one f16 ring buffer a layer. */
import type { Gpu } from '../gpu/context.ts';
import type { MemoryPlan } from './memory-plan.ts';

export interface LayerBuffers {
  readonly pools: readonly GPUBuffer[];
  /** Empty but for int2. */
  readonly residuals: readonly GPUBuffer[];
  readonly bytes: number;
  destroy(): void;
}

/** @throws GpuOutOfMemoryError; nothing is kept then. */
export async function allocateLayers(gpu: Gpu, layers: number, plan: MemoryPlan): Promise<LayerBuffers> {
  const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
  const made: GPUBuffer[] = [];
  const allocate = async (name: string, bytes: number): Promise<GPUBuffer[]> => {
    const buffers: GPUBuffer[] = [];
    for (let layer = 0; bytes > 0 && layer < layers; layer++) {
      const buffer = await gpu.buffers.tryCreate(`Cache.${name}`, bytes, STORAGE | COPY_SRC | COPY_DST);
      made.push(buffer);
      buffers.push(buffer);
    }
    return buffers;
  };
  try {
    const pools = await allocate('pool', plan.poolBytesPerLayer);
    const residuals = await allocate('residual', plan.residualBytesPerLayer);
    return { pools, residuals, bytes: plan.kvBytes, destroy: () => gpu.buffers.destroy(...made) };
  } catch (error) {
    gpu.buffers.destroy(...made);
    throw error;
  }
}
