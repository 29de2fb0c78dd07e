/**
 * GPU timestamps of compute passes, in pairs, many passes to one read-back.
 *
 * Timestamps inside passes do not exist in WebGPU, so a pass is the smallest thing that can be timed. The spec lets a
 * clock be reset and values be coarse: a pair that runs backwards or is zero is reported as null, never repaired.
 */
import type { Gpu } from './context.ts';

/** Timestamps of one query set, WebGPU's upper bound. */
export const MAX_TIMED_PASSES = 2048;

export interface PassClock {
  /** Passes that can still be timed before `read`. */
  readonly free: number;
  /** What to give `beginComputePass` for the next timed pass; undefined when full or without timestamps. */
  next(): GPUComputePassTimestampWrites | undefined;
  /** Nanoseconds [begin, end] of every pass since the last `read`, in order. Waits for the GPU. */
  read(): Promise<[bigint, bigint][]>;
  destroy(): void;
}

/** Milliseconds of a pass, or null where the clock was reset within it. */
export function passMs([begin, end]: readonly [bigint, bigint]): number | null {
  if (begin === 0n || end < begin) return null;
  return Number(end - begin) / 1e6;
}

/** A clock of up to `passes` passes; null where the device has no timestamps. */
export function createPassClock(gpu: Gpu, passes: number): PassClock | null {
  if (!gpu.features.timestamps) return null;
  const capacity = Math.min(passes, MAX_TIMED_PASSES);
  const { device, buffers } = gpu;
  const querySet = device.createQuerySet({
    label: 'PassClock.queries',
    type: 'timestamp',
    count: capacity * 2,
  });
  const usage = GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC;
  const resolved = buffers.create('PassClock.resolved', capacity * 16, usage);
  let taken = 0;
  return {
    get free() {
      return capacity - taken;
    },
    next() {
      if (taken === capacity) return undefined;
      const at = 2 * taken++;
      return { querySet, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 };
    },
    async read() {
      const count = taken;
      taken = 0;
      if (count === 0) return [];
      const encoder = device.createCommandEncoder({ label: 'PassClock.read' });
      encoder.resolveQuerySet(querySet, 0, count * 2, resolved, 0);
      device.queue.submit([encoder.finish()]);
      const stamps = new BigUint64Array(await buffers.read(resolved, 0, count * 16));
      return Array.from({ length: count }, (_, i) => [stamps[2 * i] ?? 0n, stamps[2 * i + 1] ?? 0n]);
    },
    destroy() {
      querySet.destroy();
      buffers.destroy(resolved);
    },
  };
}
