/** Bandwidth of `copyBufferToBuffer` between two buffers; each copied byte counts once. */
import type { Gpu } from '../context.ts';
import type { MeasureOptions, Timer } from '../timing.ts';
import { createFilled } from './fill.ts';

const MIB = 1_048_576;

export interface CopyBandwidthOptions extends MeasureOptions {
  /** Of one copy. */
  readonly copyBytes?: number;
}

/** One value a round, GB/s on the host's clock, submit included. */
export async function measureCopyBandwidth(
  gpu: Gpu,
  timer: Timer,
  options: CopyBandwidthOptions = {},
): Promise<readonly number[]> {
  const bytes = Math.min(
    options.copyBytes ?? (gpu.isFallback ? 32 : 256) * MIB,
    gpu.limits.maxBufferSize,
    gpu.limits.maxStorageBufferBindingSize,
  );
  const [from, to] = [await createFilled(gpu, bytes), await createFilled(gpu, bytes)];
  try {
    const copyBytes = Math.min(from.bufferBytes, to.bufferBytes);
    const source = from.buffers[0];
    const target = to.buffers[0];
    if (!source || !target) return [];
    const copy = {
      name: 'copyBufferToBuffer',
      encodeCommands: (encoder: GPUCommandEncoder) => {
        encoder.copyBufferToBuffer(source, 0, target, 0, copyBytes);
      },
    };
    // Long samples, because the host's clock also sees the submit.
    const [timing] = await timer.measure([copy], { minSampleMs: 20, ...options });
    return (timing?.samplesMs ?? []).map((ms) => copyBytes / ms / 1e6);
  } finally {
    gpu.buffers.destroy(...from.buffers, ...to.buffers);
  }
}
