/** Deratings: the four presets to the last digit, what they take down and what they leave. */
import { expect, test } from 'vitest';
import { findAnyGpu } from '../../../src/core/hardware/catalogue.ts';
import {
  derate,
  deratedShare,
  DERATING_IDS,
  DERATINGS,
  deratingOf,
  NO_DERATING,
} from '../../../src/core/hardware/deratings.ts';
import type { GpuRecord } from '../../../src/core/hardware/records.ts';

function known(name: string): GpuRecord {
  const gpu = findAnyGpu(name);
  if (!gpu) throw new Error(`No ${name}.`);
  return gpu;
}

test.each([
  ['conservative', 0.21, false],
  ['balanced', 0.336, false],
  ['optimistic', 0.504, false],
  ['disputed', 0.072, true],
] as const)('%s leaves %f', (id, share, disputed) => {
  expect(deratedShare(DERATINGS[id])).toBeCloseTo(share, 12);
  expect(DERATINGS[id].disputed).toBe(disputed);
  expect(DERATINGS[id].about).toMatch(/assumed|disputed/);
});

test('laptops are balanced on their own, nothing is ever disputed on its own', () => {
  expect(deratingOf(known('RTX 4090 Laptop'))).toBe(DERATINGS.balanced);
  expect(deratingOf(known('RTX 4090'))).toBe(NO_DERATING);
  expect(deratingOf(known('H100'))).toBe(NO_DERATING);
  expect(DERATING_IDS.filter((id) => DERATINGS[id].disputed)).toEqual(['disputed']);
});

test('rates and bandwidth go down together, memory and links stay', () => {
  const gpu = known('RTX 4060 Laptop');
  const low = derate(gpu, DERATINGS.conservative);
  expect(low.bandwidthGBps).toBeCloseTo(256 * 0.21, 9);
  expect(low.fp16MatrixTflops).toBeCloseTo(23.2 * 0.21, 9);
  expect(low.serving.fp8MatrixTflops).toBeCloseTo(46.4 * 0.21, 9);
  expect(low.memoryGB).toBe(gpu.memoryGB);
  expect(low.serving.hostGBps).toBe(gpu.serving.hostGBps);
  expect(low.serving.fp4MatrixTflops).toBeNull();
  expect(derate(gpu, NO_DERATING)).toBe(gpu);
});

test('a derating that leaves nothing is refused with its number', () => {
  expect(() => derate(known('L4'), { thermal: 0, power: 1, sustained: 1 })).toThrow(/leaves 0 of the rates/);
});
