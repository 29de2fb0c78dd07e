import { beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../../src/gpu/context.ts';
import { openTestGpu } from '../../support/gpu.ts';
import { distanceFromTwin } from './decode.run.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
});

describe('paged decode attention', () => {
  for (const tier of ['subgroups', 'no-subgroups'] as const)
    for (const format of ['f32', 'f16', 'fp8-e4m3', 'fp8-e5m2', 'int8', 'int4', 'int2'] as const) {
      it(`${tier} ${format}`, async () => {
        const test = {
          format,
          headDim: 64,
          queryHeads: 8,
          kvHeads: 2,
          blockSize: 16,
          layout: 'paged' as const,
          lengths: [0, 1, 15, 17, 163, 300],
          ...(format === 'int2' ? { residualTokens: 32 } : {}),
        };
        const d = await distanceFromTwin(gpu, test, { tier, emitScores: true });
        expect(d.output).toBeLessThan(1e-5);
        expect(d.scores).toBeLessThan(1e-5);
      });
    }
});
