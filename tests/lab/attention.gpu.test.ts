import { describe, expect, it } from 'vitest';
import { measureAttention } from '../../src/lab/attention.ts';
import { volatileTuningMemory } from '../../src/lab/autotune.ts';
import type { AttentionShape } from '../../src/lab/types.ts';
import { testHost } from './support.ts';

const shape: AttentionShape = {
  batch: 3,
  queryHeads: 4,
  kvHeads: 2,
  headDim: 64,
  context: 50,
  blockSize: 16,
  kvFormat: 'f32',
};

describe('attention of one shape', () => {
  for (const variant of ['auto', 'no-subgroups', 'cpu'] as const) {
    it(`is timed and compared with its twin (${variant})`, async () => {
      const host = testHost();
      const result = await measureAttention({ ...shape, variant }, { host, tunings: volatileTuningMemory() });
      expect(result.medianMs).toBeGreaterThanOrEqual(result.minMs);
      expect(result.minMs).toBeGreaterThanOrEqual(0);
      // 50 tokens, 2 heads of 64 in f32, K and V.
      expect(result.kvBytes).toBe(3 * 50 * 2 * 2 * 64 * 4);
      expect(result.readPeakGbps).toBeGreaterThan(0);
      expect(result.maxAbsError).toBeLessThan(1e-3);
      if (variant !== 'auto') expect(result.variant).toContain(variant);
      expect(host.opened[0]?.features.subgroups).toBe(
        variant === 'no-subgroups' ? false : host.opened[0]?.features.subgroups,
      );
      expect(host.opened[0]?.buffers.allocatedBytes).toBe(0);
    });
  }

  it('refuses a format that there is not', async () => {
    const asked = measureAttention(
      { ...shape, kvFormat: 'int3' },
      { host: testHost(), tunings: volatileTuningMemory() },
    );
    await expect(asked).rejects.toThrow('kvFormat is “int3”');
  });
});
