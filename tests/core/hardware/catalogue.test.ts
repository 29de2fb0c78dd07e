/** All GPUs: how many and of whom, found by whatever name, refused with the nearest. */
import { describe, expect, test } from 'vitest';
import {
  ALL_GPUS,
  findAnyGpu,
  gpusOf,
  nearestGpus,
  unknownGpuSentence,
} from '../../../src/core/hardware/catalogue.ts';
import {
  findGpu,
  gpuKey,
  GPUS,
  halfTflops,
  matchGpu,
  usableMemoryBytes,
} from '../../../src/core/hardware/records.ts';
import { referenceText, whyNoReferenceData } from '../../reference-data.ts';

test('more than a hundred GPUs of every kind, each with a source', () => {
  expect(ALL_GPUS.length).toBeGreaterThanOrEqual(108);
  expect(new Set(ALL_GPUS.map(({ id }) => id)).size).toBe(ALL_GPUS.length);
  for (const vendor of ['nvidia', 'amd', 'intel', 'apple', 'qualcomm'])
    expect(gpusOf(vendor).length, vendor).toBeGreaterThan(0);
  for (const kind of ['datacenter', 'workstation', 'desktop', 'laptop', 'integrated'])
    expect(gpusOf(kind).length, kind).toBeGreaterThan(2);
  expect(gpusOf('laptop').every(({ kind }) => kind === 'laptop')).toBe(true);
  expect(gpusOf('hopper').map(({ id }) => id)).toContain('h200-sxm');
  expect(gpusOf('4090').map(({ id }) => id)).toEqual(['rtx-4090', 'rtx-4090-laptop']);
  expect(gpusOf('voodoo')).toEqual([]);
});

test('the small table is a part of it, unchanged', () => {
  expect(ALL_GPUS.slice(0, GPUS.length)).toEqual(GPUS);
  for (const { id } of GPUS) expect(findAnyGpu(id)).toBe(findGpu(id));
});

test('every id, name and alias finds its own record, and no two share one', () => {
  const owners = new Map<string, string>();
  for (const gpu of ALL_GPUS) {
    for (const name of new Set([gpu.id, gpu.name, ...gpu.aliases].map(gpuKey))) {
      expect(owners.get(name) ?? gpu.id, name).toBe(gpu.id);
      owners.set(name, gpu.id);
      expect(findAnyGpu(name.toUpperCase())?.id, name).toBe(gpu.id);
    }
  }
});

/** As clouds, drivers and people write them. */
test.each([
  ['H100', 'h100-sxm'],
  ['h100', 'h100-sxm'],
  ['NVIDIA H100 80GB HBM3', 'h100-sxm'],
  ['H100-PCIe', 'h100-pcie'],
  ['NVIDIA H100 NVL', 'h100-nvl'],
  ['A100', 'a100-80-sxm'],
  ['A100-40GB', 'a100-40-sxm'],
  ['NVIDIA A100-SXM4-80GB', 'a100-80-sxm'],
  ['RTX 4090', 'rtx-4090'],
  ['rtx4090', 'rtx-4090'],
  ['NVIDIA GeForce RTX 4090', 'rtx-4090'],
  ['NVIDIA GeForce RTX 4090 Laptop GPU', 'rtx-4090-laptop'],
  ['RTX 3080', 'rtx-3080'],
  ['RTX-4070-Ti-Super', 'rtx-4070-ti-super'],
  ['NVIDIA RTX 6000 Ada Generation', 'rtx-6000-ada'],
  ['RTX PRO 6000 Blackwell Workstation Edition', 'rtx-pro-6000-ws'],
  ['Tesla T4', 't4'],
  ['Tesla V100-SXM2-32GB', 'v100-sxm-32'],
  ['AMD Instinct MI300X', 'mi300x'],
  ['mi325x', 'mi325x'],
  ['AMD Radeon RX 7900 XT', 'rx-7900-xt'],
  ['Radeon RX 9070', 'rx-9070'],
  ['GB200-Superchip', 'gb200'],
  ['DGX Spark', 'gb10'],
  ['Apple M4 Max', 'm4-max'],
  ['M3 Ultra', 'm3-ultra'],
  ['Apple M1', 'm1'],
  ['Intel Arc B580', 'arc-b580'],
  ['Gaudi3', 'gaudi3'],
  ['NVIDIA L40S', 'l40s'],
  ['NVIDIA GeForce RTX 3080 Laptop GPU', 'rtx-3080-laptop'],
  ['AMD Instinct MI300X OAM', 'mi300x'],
  ['AMD Radeon RX 7900 XTX (RADV NAVI31)', 'rx-7900-xtx'],
  ['Intel(R) Arc(TM) 140V GPU (16GB)', 'arc-140v'],
])('%s is %s', (name, id) => {
  expect(findAnyGpu(name)?.id).toBe(id);
});

test.each([
  ['rtx 4099', 'rtx-4090'],
  ['h1000', 'h100-sxm'],
  ['mi300', 'mi300x'],
  ['m2 macs', 'm2-max'],
])('nearest to %s is %s', (name, id) => {
  expect(nearestGpus(name).map((gpu) => gpu.id)).toContain(id);
});

test('an unknown one is refused with the nearest', () => {
  expect(findAnyGpu('RTX 4099')).toBeUndefined();
  expect(findAnyGpu('')).toBeUndefined();
  // A word that no record has means a GPU that no record has.
  for (const name of [
    'H100 CNX',
    'RTX 4090 Ti',
    'B300X',
    'L4 banana',
    'M3 Extreme',
    'A100 16GB MIG',
    'RTX 3090 48GB',
  ])
    expect(findAnyGpu(name), name).toBeUndefined();
  expect(unknownGpuSentence('RTX 4099')).toMatch(
    /^The GPU “RTX 4099” is not known; the nearest are .*rtx-4090/,
  );
  expect(unknownGpuSentence('x'.repeat(5000)).length).toBeLessThan(200);
});

/** Adapters that only the whole table tells apart. */
test.each([
  ['NVIDIA H100 NVL', 'h100-nvl'],
  ['NVIDIA GeForce RTX 4060', 'rtx-4060'],
  ['NVIDIA GeForce RTX 4070 Ti SUPER', 'rtx-4070-ti-super'],
  ['NVIDIA GeForce RTX 4070', 'rtx-4070'],
  ['NVIDIA GeForce RTX 3080 Laptop GPU', 'rtx-3080-laptop'],
  ['AMD Radeon RX 7900 XT (RADV NAVI31)', 'rx-7900-xt'],
  ['Apple M2 Pro', 'm2-pro'],
  ['NVIDIA RTX PRO 6000 Blackwell Workstation Edition', 'rtx-pro-6000-ws'],
  ['NVIDIA GeForce GTX 1080', undefined],
])('the adapter “%s” is %s', (description, id) => {
  const adapter = { vendor: '', architecture: '', device: '', description, isFallback: false };
  expect(matchGpu(adapter, ALL_GPUS)?.id).toBe(id);
});

test('dense rates, of a plausible size, narrower formats never slower', () => {
  for (const gpu of ALL_GPUS) {
    const { fp8MatrixTflops, int8MatrixTops, fp4MatrixTflops } = gpu.serving;
    const half = halfTflops(gpu);
    expect(half, gpu.id).toBeGreaterThan(0.5);
    expect(half, gpu.id).toBeLessThanOrEqual(2516);
    for (const narrow of [fp8MatrixTflops, fp4MatrixTflops])
      if (narrow !== null) expect(narrow, gpu.id).toBeGreaterThanOrEqual(half);
    // Blackwell Ultra gave its int8 units up.
    if (int8MatrixTops !== null && gpu.architecture !== 'Blackwell Ultra')
      expect(int8MatrixTops, gpu.id).toBeGreaterThanOrEqual(half);
    if (gpu.fp16AccumulateTflops !== null)
      expect(gpu.fp16AccumulateTflops, gpu.id).toBeGreaterThanOrEqual(half);
    const bytesOfFlop = (half * 1000) / gpu.bandwidthGBps;
    expect(bytesOfFlop, gpu.id).toBeGreaterThan(9);
    expect(bytesOfFlop, gpu.id).toBeLessThan(560);
    expect(usableMemoryBytes(gpu), gpu.id).toBeLessThanOrEqual(gpu.memoryGB * 2 ** 30);
    expect(gpu.architecture.length, gpu.id).toBeGreaterThan(2);
  }
});

/** Numbers that a public table has with sparsity, or of two GPUs: what they are dense, of one. */
test.each([
  ['rtx-5090', 209.5, 419],
  ['rtx-5080', 112.6, 225.1],
  ['rtx-3090', 71.2, 142.3],
  ['rtx-4090', 165.2, 330.3],
  ['a10g', 70, null],
  ['gb200', 2500, null],
])('%s reaches %f TFLOP/s with f32 accumulation', (id, dense, half) => {
  expect(findAnyGpu(id)).toMatchObject({ fp16MatrixTflops: dense, fp16AccumulateTflops: half });
});

const why = whyNoReferenceData('gpus/gpus.json');
describe.skipIf(why !== null)(`the reference table${why ? `: skipped, ${why}` : ''}`, () => {
  type Row = Record<string, unknown>;
  const rows = why === null ? (JSON.parse(referenceText('gpus/gpus.json')) as { gpus: Row[] }).gpus : [];
  test('every GPU of it is here, with its numbers', () => {
    expect(rows.length).toBeGreaterThan(100);
    for (const row of rows) {
      const gpu = findAnyGpu(String(row['id']));
      expect(gpu?.id, String(row['id'])).toBe(row['id']);
      expect(gpu?.memoryGB, gpu?.id).toBe(row['memory_gb']);
      if (gpu?.id !== 'rtx-pro-6000-server') expect(gpu?.bandwidthGBps, gpu?.id).toBe(row['bandwidth_gbps']);
      expect(gpu?.fp16MatrixTflops ?? undefined, gpu?.id).toBe(row['fp16_tflops_dense']);
      expect(gpu?.serving.fp8MatrixTflops ?? undefined, gpu?.id).toBe(row['fp8_tflops_dense']);
      expect(gpu?.tdpW ?? undefined, gpu?.id).toBe(row['tdp_w']);
    }
  });
});
