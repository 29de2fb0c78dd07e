/** A lab host whose devices a test can see, lose and spoil. */
import { createRandom } from '../../src/core/random.ts';
import type { Gpu } from '../../src/gpu/context.ts';
import type { LabHost } from '../../src/lab/host.ts';
import { openTestGpu } from '../support/gpu.ts';

export interface TestHost extends LabHost {
  /** Every device that was opened, in order. */
  readonly opened: Gpu[];
}

export function testHost(spoil: (gpu: Gpu) => Gpu = (gpu) => gpu): TestHost {
  const opened: Gpu[] = [];
  const ids = createRandom(1);
  return {
    opened,
    facts: { appVersion: 'test', runtime: 'test', os: 'test', hostMemoryBytes: null, logicalCores: 2 },
    power: 'high-performance',
    now: () => performance.now(),
    date: () => '2026-01-01T00:00:00.000Z',
    newId: () => `test-${ids.nextU32()}`,
    openGpu: async (options = {}) => {
      const gpu = spoil(await openTestGpu(options));
      opened.push(gpu);
      return gpu;
    },
    command: null,
  };
}
