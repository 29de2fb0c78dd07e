import { beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/context.ts';
import { measureCopyBandwidth } from '../../src/gpu/microbench/copy-bandwidth.ts';
import { createFilled, fillBuffer } from '../../src/gpu/microbench/fill.ts';
import { measureFmaRate } from '../../src/gpu/microbench/fma-rate.ts';
import { measureLargestPool } from '../../src/gpu/microbench/largest-pool.ts';
import {
  measureDispatchOverhead,
  measureReadback,
  measureSubmitLatency,
} from '../../src/gpu/microbench/overhead.ts';
import { measureReadBandwidth } from '../../src/gpu/microbench/read-bandwidth.ts';
import { createTimer, type Timer } from '../../src/gpu/timing.ts';
import { inErrorScope, openTestGpu } from '../support/gpu.ts';

const MIB = 1_048_576;
let gpu: Gpu;
let timer: Timer;

beforeAll(async () => {
  gpu = await openTestGpu();
  timer = await createTimer(gpu);
});

const allPositive = (samples: readonly number[]) =>
  samples.length > 0 && samples.every((x) => x > 0 && Number.isFinite(x));

describe('microbenchmarks', () => {
  it('fills every word with one that differs from its neighbours', async () => {
    const { buffers, totalBytes } = await inErrorScope(gpu, () => createFilled(gpu, 3 * MIB));
    expect(totalBytes).toBe(3 * MIB);
    for (const buffer of buffers) {
      const words = new Uint32Array(await gpu.buffers.read(buffer));
      expect(new Set(words.subarray(0, 4096)).size).toBe(4096);
      expect(new Set(words.subarray(-4096)).size).toBe(4096);
    }
    gpu.buffers.destroy(...buffers);
  });

  it('touches one word a page', async () => {
    const buffer = gpu.buffers.create('Test.touch', 10_000, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC);
    await inErrorScope(gpu, () => fillBuffer(gpu, buffer, 1024));
    const words = new Uint32Array(await gpu.buffers.read(buffer));
    expect([...words.keys()].filter((i) => words[i] !== 0)).toEqual([1024, 2048]);
    gpu.buffers.destroy(buffer);
  });

  it('measures read bandwidth over its whole footprint and gives the memory back', async () => {
    const before = gpu.buffers.allocatedBytes;
    const result = await inErrorScope(gpu, () =>
      measureReadBandwidth(gpu, timer, { rounds: 2, footprintBytes: 4 * MIB, callBytes: MIB }),
    );
    expect(allPositive(result.gbpsSamples)).toBe(true);
    expect(result.footprintBytes).toBe(4 * MIB);
    expect(result.timings.map(({ name }) => name)).toContain(result.variant);
    expect(gpu.buffers.allocatedBytes).toBe(before);
  });

  it('measures copies, multiply-adds, dispatches, submits and read-backs', async () => {
    const before = gpu.buffers.allocatedBytes;
    const small = { rounds: 2, minSampleMs: 1 };
    expect(
      allPositive(
        await inErrorScope(gpu, () => measureCopyBandwidth(gpu, timer, { ...small, copyBytes: MIB })),
      ),
    ).toBe(true);
    for (const number of gpu.features.f16 ? (['f32', 'f16'] as const) : (['f32'] as const)) {
      const { gflopsSamples } = await inErrorScope(gpu, () =>
        measureFmaRate(gpu, timer, number, { ...small, flops: 1e6 }),
      );
      expect(allPositive(gflopsSamples)).toBe(true);
    }
    const overheads = await inErrorScope(gpu, () => measureDispatchOverhead(gpu, timer, { rounds: 3 }));
    expect(overheads.every((us) => us > 0)).toBe(true);
    expect(allPositive(await measureSubmitLatency(gpu, timer, 2))).toBe(true);
    expect(await measureReadback(gpu, () => performance.now(), 3)).toHaveLength(3);
    expect(gpu.buffers.allocatedBytes).toBe(before);
  });

  it('finds the largest pool up to its cap, writes to it and gives it back', async () => {
    const before = gpu.buffers.allocatedBytes;
    const seen: number[] = [];
    const found = await inErrorScope(gpu, () =>
      measureLargestPool(gpu, {
        capBytes: 96 * MIB,
        budgetMs: 1e9,
        now: () => 0,
        onProgress: (bytes) => seen.push(bytes),
      }),
    );
    expect(found).toEqual({ bytes: 96 * MIB, capped: true, outOfTime: false });
    expect(seen).toEqual([32 * MIB, 96 * MIB]);
    expect(gpu.buffers.allocatedBytes).toBe(before);
  });

  it('bisects below a device that refuses, and stops when its time is over', async () => {
    // A device whose ledger refuses everything beyond 45 MiB.
    const { buffers } = gpu;
    const held: number[] = [];
    const limited: Gpu = {
      ...gpu,
      buffers: Object.assign(Object.create(buffers) as typeof buffers, {
        tryCreate: async (label: string, bytes: number, usage: number) => {
          const sum = held.reduce((a, b) => a + b, 0);
          const real = await buffers.tryCreate(label, bytes, usage);
          if (sum + bytes <= 45 * MIB) return held.push(bytes) && real;
          buffers.destroy(real);
          return buffers.tryCreate(label, gpu.limits.maxBufferSize + 1, usage);
        },
        destroy: (...list: GPUBuffer[]) => buffers.destroy(...list),
      }),
    };
    const found = await measureLargestPool(limited, { capBytes: 1024 * MIB, budgetMs: 1e9, now: () => 0 });
    expect(found).toEqual({ bytes: 32 * MIB, capped: false, outOfTime: false });
    let clock = 0;
    const late = await measureLargestPool(gpu, { capBytes: 1024 * MIB, budgetMs: 5, now: () => clock++ * 3 });
    expect(late.outOfTime).toBe(true);
    expect(late.capped).toBe(false);
  });
});
