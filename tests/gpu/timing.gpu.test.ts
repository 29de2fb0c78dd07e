import { beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/context.ts';
import { createPassClock, passMs } from '../../src/gpu/pass-clock.ts';
import { createTimer, greatestCommonDivisor, type TimedVariant } from '../../src/gpu/timing.ts';
import { inErrorScope, openTestGpu } from '../support/gpu.ts';

let gpu: Gpu;

beforeAll(async () => {
  gpu = await openTestGpu();
});

interface Counting extends TimedVariant {
  calls: number;
}

/** A variant of `dispatches` dispatches a call that counts its calls. */
async function counting(dispatches: number): Promise<Counting> {
  const pipeline = await gpu.pipelines.get({ kernel: 'peak_nothing' });
  const group = gpu.bindings.group(pipeline, [gpu.buffers.create('Test.sink', 16, GPUBufferUsage.STORAGE)]);
  const variant: Counting = {
    name: `${dispatches} dispatches`,
    calls: 0,
    encode(pass) {
      variant.calls++;
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      for (let i = 0; i < dispatches; i++) pass.dispatchWorkgroups(1);
    },
  };
  return variant;
}

describe('timer', () => {
  it('takes the step of the clock as the common divisor of differences', () => {
    expect(greatestCommonDivisor([100_000n, 300_000n, 700_000n])).toBe(100_000n);
    expect(greatestCommonDivisor([65_536n, 131_072n])).toBe(65_536n);
    expect(greatestCommonDivisor([7n])).toBe(7n);
  });

  it('drops a pass whose clock was reset or ran backwards', () => {
    expect(passMs([0n, 5n])).toBeNull();
    expect(passMs([9n, 5n])).toBeNull();
    expect(passMs([1_000_000n, 3_500_000n])).toBe(2.5);
  });

  it('gives one sample a round on the clock that there is', async () => {
    const variants = [await counting(1), await counting(8)];
    const timer = await createTimer(gpu);
    const timings = await inErrorScope(gpu, () => timer.measure(variants, { rounds: 3 }));
    timer.destroy();
    expect(timer.clock).toBe(gpu.features.timestamps ? 'gpu' : 'host');
    expect(timings.map(({ name }) => name)).toEqual(['1 dispatches', '8 dispatches']);
    for (const [i, timing] of timings.entries()) {
      expect(timing.samplesMs.length + timing.discarded).toBe(3);
      expect(timing.samplesMs.every((ms) => ms > 0)).toBe(true);
      expect(variants[i]?.calls).toBeGreaterThanOrEqual(3 * timing.calls);
    }
  });

  it('repeats a short call until a sample is long enough, and divides', async () => {
    const variant = await counting(1);
    // A host's clock by which every call takes 0.125 ms between submit and done.
    let readMs = 0;
    const now = () => {
      const beforeMs = readMs;
      readMs = variant.calls * 0.125;
      return beforeMs;
    };
    const timer = await createTimer(gpu, { timestamps: false, now });
    const [timing] = await timer.measure([variant], { rounds: 4, minSampleMs: 2 });
    timer.destroy();
    expect(timer.clock).toBe('host');
    expect(timing?.calls).toBeGreaterThanOrEqual(16);
    expect(timing?.samplesMs).toEqual([0.125, 0.125, 0.125, 0.125]);
  });

  it('keeps a sample below the longest, however slow the call', async () => {
    const variant = await counting(1);
    let readMs = 0;
    const now = () => {
      const beforeMs = readMs;
      readMs = variant.calls * 50;
      return beforeMs;
    };
    const timer = await createTimer(gpu, { timestamps: false, now });
    const [timing] = await timer.measure([variant], { rounds: 2, minSampleMs: 500, maxSampleMs: 60 });
    timer.destroy();
    expect(timing?.calls).toBe(1);
  });

  it('has a step above zero exactly where it times on the GPU', async () => {
    const timer = await createTimer(gpu);
    if (timer.clock === 'gpu') expect(timer.quantumNs).toBeGreaterThan(0);
    else expect(timer.quantumNs).toBeNull();
    timer.destroy();
  });

  it('stops at once when cancelled', async () => {
    const timer = await createTimer(gpu);
    const cancel = new AbortController();
    const variant = await counting(1);
    const measuring = timer.measure(
      [{ name: 'cancels', encode: (pass, call) => (cancel.abort(), variant.encode(pass, call)) }],
      {
        signal: cancel.signal,
      },
    );
    await expect(measuring).rejects.toThrow(/abort/i);
    timer.destroy();
  });

  it('times many passes with one read-back', async () => {
    const clock = createPassClock(gpu, 4);
    expect(clock !== null).toBe(gpu.features.timestamps);
    if (!clock) return;
    const variant = await counting(2);
    const encoder = gpu.device.createCommandEncoder();
    for (let i = 0; i < 3; i++) {
      const timestampWrites = clock.next();
      const pass = encoder.beginComputePass({ ...(timestampWrites && { timestampWrites }) });
      variant.encode(pass, i);
      pass.end();
    }
    gpu.device.queue.submit([encoder.finish()]);
    expect(clock.free).toBe(1);
    const stamps = await inErrorScope(gpu, () => clock.read());
    expect(stamps).toHaveLength(3);
    expect(clock.free).toBe(4);
    clock.destroy();
  });
});
