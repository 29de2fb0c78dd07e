import { beforeAll, describe, expect, it } from 'vitest';
import { KV_FORMATS } from '../../src/core/kv/formats.ts';
import type { Gpu } from '../../src/gpu/context.ts';
import { WrongResultError } from '../../src/lab/errors.ts';
import { checked } from '../../src/lab/compare.ts';
import { verifyKernels, type VerifyOptions } from '../../src/lab/verify.ts';
import { inErrorScope, openTestGpu } from '../support/gpu.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
});

const options: VerifyOptions = {
  shape: { queryHeads: 4, kvHeads: 2, headDim: 64, blockSize: 16, format: 'f16', residualTokens: 32 },
  layout: 'paged',
  tier: 'auto',
  tuning: null,
  windowTokens: 0,
  sinkTokens: 0,
  seed: 5,
};

describe('verification before timing', () => {
  for (const format of KV_FORMATS) {
    it(`accepts the kernels of ${format} and gives all memory back`, async () => {
      const before = gpu.buffers.allocatedBytes;
      const verified = await inErrorScope(gpu, () =>
        verifyKernels(gpu, { ...options, shape: { ...options.shape, format } }),
      );
      expect(verified.decodeError).toBeLessThan(1e-3);
      expect(verified.prefillError).toBeLessThan(1e-3);
      expect(gpu.buffers.allocatedBytes).toBe(before);
    });
  }

  it('accepts the contiguous layout, and a window', async () => {
    await inErrorScope(gpu, () => verifyKernels(gpu, { ...options, layout: 'contiguous' }));
    await inErrorScope(gpu, () => verifyKernels(gpu, { ...options, windowTokens: 9, sinkTokens: 2 }));
  });

  it('refuses a result that is off, or no number', () => {
    expect(checked('x', Float32Array.of(1, 2), [1, 2.0005])).toBeCloseTo(0.0005);
    expect(() => checked('x', Float32Array.of(1, 2), [1, 2.1])).toThrow(WrongResultError);
    expect(() => checked('x', Float32Array.of(1, NaN), [1, 2])).toThrow(/x is off by NaN/);
  });
});
