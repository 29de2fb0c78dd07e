import { expect, test } from 'vitest';
import { findGpu, GPUS, ridgeFlopPerByte } from '../../../src/core/hardware/records.ts';

test('ten GPUs, each with a source, from every maker a visitor may have', () => {
  expect(GPUS.length).toBeGreaterThanOrEqual(10);
  expect(new Set(GPUS.map(({ id }) => id)).size).toBe(GPUS.length);
  expect([...new Set(GPUS.map(({ vendor }) => vendor))].sort()).toEqual(['amd', 'apple', 'intel', 'nvidia']);
  expect([...new Set(GPUS.map(({ kind }) => kind))].sort()).toEqual([
    'datacenter',
    'desktop',
    'integrated',
    'laptop',
  ]);
});

/** Bandwidths as the makers print them. */
test.each([
  ['h100-sxm', 80, 3350],
  ['h200-sxm', 141, 4800],
  ['a100-80-sxm', 80, 2039],
  ['rtx-4090', 24, 1008],
  ['l4', 24, 300],
])('%s has %i GB at %i GB/s', (id, memoryGB, bandwidthGBps) => {
  expect(findGpu(id)).toMatchObject({ memoryGB, bandwidthGBps });
});

test('numbers are of a plausible size', () => {
  for (const gpu of GPUS) {
    expect(ridgeFlopPerByte(gpu), gpu.name).toBeGreaterThan(5);
    expect(ridgeFlopPerByte(gpu), gpu.name).toBeLessThan(150);
    expect(gpu.fp16MatrixTflops ?? Infinity, gpu.name).toBeGreaterThanOrEqual(gpu.fp32Tflops);
  }
  expect(ridgeFlopPerByte(findGpu('h200-sxm') ?? GPUS[0] ?? neverEmpty())).toBeCloseTo(13.9, 1);
});

function neverEmpty(): never {
  throw new Error('There are no GPUs.');
}

test('a GPU is found by id or name; an unknown one is not', () => {
  expect(findGpu('RTX 4090')?.id).toBe('rtx-4090');
  expect(findGpu('voodoo2')).toBeUndefined();
});
