import { describe, expect, it } from 'vitest';
import { createRandomRows, randomRowsTwin } from '../../../src/gpu/kernels/random-rows.ts';
import { inErrorScope, openTestGpu } from '../../support/gpu.ts';

describe('random rows', () => {
  it('are those of the twin, bit for bit, and no more are written', async () => {
    const gpu = await openTestGpu();
    const shape = { heads: 3, headDim: 64 };
    const kernel = await createRandomRows(gpu, shape);
    const rows = 7;
    const words = rows * 3 * 64;
    const out = gpu.buffers.upload('Test.out', new Float32Array(words + 4).fill(-9));
    await inErrorScope(gpu, async () => {
      const encoder = gpu.device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      kernel.encode(pass, { out, rows, seed: 77, outlier: 8 });
      pass.end();
      gpu.device.queue.submit([encoder.finish()]);
      await gpu.device.queue.onSubmittedWorkDone();
    });
    const got = new Float32Array(await gpu.buffers.read(out));
    expect([...got.subarray(0, words)]).toEqual([
      ...randomRowsTwin({ rows, ...shape, seed: 77, outlier: 8 }),
    ]);
    expect([...got.subarray(words)]).toEqual([-9, -9, -9, -9]);
  });

  it('have variance 1, and outlier channels that belong to their head', () => {
    const rows = 2000;
    const twin = randomRowsTwin({ rows, heads: 2, headDim: 64, seed: 1, outlier: 8 });
    const deviation = (channel: number) => {
      const values = Array.from({ length: rows }, (_, row) => twin[row * 128 + channel] ?? 0);
      return Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / rows);
    };
    const deviations = Array.from({ length: 128 }, (_, channel) => deviation(channel));
    const outliers = deviations.filter((d) => d > 4);
    expect(outliers.length).toBeGreaterThan(0);
    expect(outliers.length).toBeLessThan(16);
    expect(deviations.filter((d) => d <= 4).every((d) => d > 0.85 && d < 1.15)).toBe(true);
  });
});
