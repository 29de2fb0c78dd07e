/** Buffers full of words that do not compress, for bandwidth figures and for proving that an allocation is real. */
import { GpuOutOfMemoryError } from '../buffers.ts';
import type { Gpu } from '../context.ts';

export interface FilledBuffers {
  readonly buffers: readonly GPUBuffer[];
  /** Of one buffer. */
  readonly bufferBytes: number;
  readonly totalBytes: number;
}

const MIB = 1_048_576;
const FILL_THREADS = 64;
/** One dispatch writes at most this much, so that it stays below 100 ms on a software adapter. */
const FILL_SLICE_BYTES = 32 * MIB;

/**
 * Buffers of `totalBytes` together, each as large as one binding may be; halves where memory is short.
 * @throws GpuOutOfMemoryError when not even 4 MiB can be had.
 */
export async function createFilled(gpu: Gpu, totalBytes: number): Promise<FilledBuffers> {
  const limit = Math.min(gpu.limits.maxStorageBufferBindingSize, gpu.limits.maxBufferSize, 256 * MIB);
  const bufferBytes = Math.min(floorToMib(limit), Math.max(floorToMib(totalBytes), MIB));
  const buffers: GPUBuffer[] = [];
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  try {
    for (let made = 0; made < totalBytes; made += bufferBytes) {
      buffers.push(await gpu.buffers.tryCreate('Microbench.filled', bufferBytes, usage));
    }
  } catch (error) {
    gpu.buffers.destroy(...buffers);
    if (!(error instanceof GpuOutOfMemoryError) || totalBytes <= 4 * MIB) throw error;
    return createFilled(gpu, totalBytes / 2);
  }
  for (const buffer of buffers) await fillBuffer(gpu, buffer);
  return { buffers, bufferBytes, totalBytes: bufferBytes * buffers.length };
}

/**
 * Writes the buffer in submits below 100 ms.
 * @param every words from one written word to the next: 1 fills, 1024 touches every page of 4 KiB
 */
export async function fillBuffer(gpu: Gpu, buffer: GPUBuffer, every = 1): Promise<void> {
  const pipeline = await gpu.pipelines.get({ kernel: 'peak_fill', constants: { THREADS: FILL_THREADS } });
  const alignment = 256;
  const binding = Math.min(FILL_SLICE_BYTES, gpu.limits.maxStorageBufferBindingSize);
  for (let offset = 0; offset < buffer.size; offset += binding) {
    const size = Math.min(binding, buffer.size - offset);
    const groups = Math.max(1, Math.min(1024, Math.ceil(size / 4 / every / FILL_THREADS)));
    const params = gpu.bindings.uniform(Uint32Array.of(size / 4, groups * FILL_THREADS, every, 0));
    const bindGroup = gpu.device.createBindGroup({
      label: 'Microbench.fill',
      layout: pipeline.getBindGroupLayout(0),
      entries: [
        { binding: 0, resource: { buffer, offset: Math.floor(offset / alignment) * alignment, size } },
        { binding: 1, resource: { buffer: params } },
      ],
    });
    const encoder = gpu.device.createCommandEncoder({ label: 'Microbench.fill' });
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(groups);
    pass.end();
    gpu.device.queue.submit([encoder.finish()]);
    await gpu.device.queue.onSubmittedWorkDone();
  }
}

function floorToMib(bytes: number): number {
  return Math.max(MIB, Math.floor(bytes / MIB) * MIB);
}
