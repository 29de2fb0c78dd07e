import { expect, test } from 'vitest';
import {
  findGpu,
  GPUS,
  halfTflops,
  matchGpu,
  ridgeFlopPerByte,
  usableMemoryBytes,
} from '../../../src/core/hardware/records.ts';

test('two dozen GPUs, each with a source, from every maker a visitor may have', () => {
  expect(GPUS.length).toBeGreaterThanOrEqual(24);
  expect(new Set(GPUS.map(({ id }) => id)).size).toBe(GPUS.length);
  expect([...new Set(GPUS.map(({ vendor }) => vendor))].sort()).toEqual(['amd', 'apple', 'intel', 'nvidia']);
  expect([...new Set(GPUS.map(({ kind }) => kind))].sort()).toEqual([
    'datacenter',
    'desktop',
    'integrated',
    'laptop',
    'workstation',
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
    expect(halfTflops(gpu), gpu.name).toBeGreaterThanOrEqual(gpu.fp32Tflops ?? 0);
  }
  expect(ridgeFlopPerByte(findGpu('h200-sxm') ?? GPUS[0] ?? neverEmpty())).toBeCloseTo(13.9, 1);
});

function neverEmpty(): never {
  throw new Error('There are no GPUs.');
}

test('the memory that a program sees', () => {
  const bytes = (id: string) => usableMemoryBytes(findGpu(id) ?? neverEmpty());
  // The recorded run on an RTX 4090 reports 25,250,627,584 bytes.
  expect(Math.abs(bytes('rtx-4090') / 25_250_627_584 - 1)).toBeLessThan(1e-4);
  expect(bytes('h100-sxm')).toBe(79.19 * 2 ** 30);
  expect(bytes('m2')).toBe(24e9);
  for (const gpu of GPUS) {
    const share = usableMemoryBytes(gpu) / (gpu.memoryGB * 2 ** 30);
    expect(share, gpu.name).toBeGreaterThan(0.9);
    expect(share, gpu.name).toBeLessThan(1);
  }
});

test('a GPU is found by id or name; an unknown one is not', () => {
  expect(findGpu('RTX 4090')?.id).toBe('rtx-4090');
  expect(findGpu('voodoo2')).toBeUndefined();
});

test.each([
  { description: 'NVIDIA H200', id: 'h200-sxm' },
  { description: 'NVIDIA H100 80GB HBM3', id: 'h100-sxm' },
  { description: 'NVIDIA H100 PCIe', id: 'h100-pcie' },
  { description: 'NVIDIA H100 NVL', id: undefined },
  { description: 'NVIDIA A100-SXM4-80GB', id: 'a100-80-sxm' },
  { description: 'NVIDIA A100-SXM4-40GB', id: 'a100-40-sxm' },
  { description: 'NVIDIA L4', id: 'l4' },
  { description: 'NVIDIA L40S', id: 'l40s' },
  { description: 'NVIDIA RTX PRO 6000 Blackwell Server Edition', id: 'rtx-pro-6000-server' },
  { description: 'NVIDIA RTX PRO 6000 Blackwell Workstation Edition', id: undefined },
  { description: 'NVIDIA GeForce RTX 4090', id: 'rtx-4090' },
  { description: 'NVIDIA GeForce RTX 4090 Laptop GPU', id: undefined },
  { description: 'NVIDIA GeForce RTX 4060 Laptop GPU', id: 'rtx-4060-laptop' },
  { description: 'NVIDIA GeForce RTX 4060', id: undefined },
  { description: 'AMD Radeon RX 7900 XTX (RADV NAVI31)', id: 'rx-7900-xtx' },
  { description: 'Apple M3 Max', id: 'm3-max' },
  { description: 'Apple M2', id: 'm2' },
  { description: 'Apple M2 Pro', id: undefined },
  { description: 'Intel(R) Arc(TM) 140V GPU (16GB)', id: 'arc-140v' },
  { description: 'SwiftShader Device', id: undefined },
  { description: '', id: undefined },
])('the adapter “$description” is $id', ({ description, id }) => {
  const adapter = { vendor: '', architecture: '', device: '', description, isFallback: false };
  expect(matchGpu(adapter)?.id).toBe(id);
  expect(matchGpu({ ...adapter, isFallback: true })).toBeUndefined();
});
