/** "This GPU": what is measured, what the known model adds, what is refused. */
import { describe, expect, test } from 'vitest';
import * as v from 'valibot';
import { findAnyGpu } from '../../../src/core/hardware/catalogue.ts';
import { derate, deratingOf, NO_DERATING } from '../../../src/core/hardware/deratings.ts';
import { gpuFromCheck } from '../../../src/core/hardware/from-check.ts';
import { GpuRecord, usableMemoryBytes } from '../../../src/core/hardware/records.ts';
import type { CheckRun } from '../../../src/core/run/schema.ts';
import { checkRun } from '../../support/runs.ts';

function checkOn(
  description: string,
  values: Readonly<Record<string, number | null>>,
  more: Partial<CheckRun> = {},
): CheckRun {
  const base = checkRun(more);
  const adapter = { ...base.environment.adapter, vendor: '', device: '', description, isFallback: false };
  return {
    ...base,
    environment: { ...base.environment, adapter },
    measurements: Object.entries(values).map(([id, value]) => ({
      id,
      label: id,
      unit: '',
      value,
      samples: [],
      percentOfPeak: null,
      note: '',
    })),
  };
}

function recordOf(check: CheckRun): GpuRecord {
  const read = gpuFromCheck(check);
  if (!read.ok) throw new Error(read.sentence);
  return v.parse(GpuRecord, read.value);
}

const LAPTOP = {
  'read-bandwidth': 230,
  'fma-f32': 5805,
  'fma-f16': 5805,
  'largest-pool': 4 * 2 ** 30,
  'decode.f16': 184,
};

describe('a known laptop', () => {
  const gpu = recordOf(checkOn('NVIDIA GeForce RTX 4060 Laptop GPU', LAPTOP));
  const published = findAnyGpu('rtx-4060-laptop');

  test('bandwidth and shader rates are measured', () => {
    expect(gpu).toMatchObject({
      id: 'this-gpu',
      name: 'This GPU (RTX 4060 Laptop)',
      kind: 'laptop',
      vendor: 'nvidia',
    });
    expect(gpu.bandwidthGBps).toBe(230);
    expect(gpu.fp32Tflops).toBeCloseTo(5.805, 9);
    expect(gpu.serving.efficiency?.attentionMemory).toBeCloseTo(0.8, 9);
  });

  test('matrix units are taken down with the shaders', () => {
    // 5.805 of 11.61 published: half.
    expect(gpu.fp16MatrixTflops).toBeCloseTo((published?.fp16MatrixTflops ?? 0) / 2, 6);
    expect(gpu.serving.fp8MatrixTflops).toBeCloseTo((published?.serving.fp8MatrixTflops ?? 0) / 2, 6);
  });

  test('memory is the model’s where the pool was capped', () => {
    expect(gpu.memoryGB).toBeGreaterThanOrEqual(8);
    expect(usableMemoryBytes(gpu)).toBe(usableMemoryBytes(published ?? gpu));
  });

  test('a measured GPU is not derated again', () => {
    expect(deratingOf(gpu)).toBe(NO_DERATING);
    expect(derate(gpu, deratingOf(gpu))).toBe(gpu);
  });
});

test('an unknown GPU has what was measured and nothing else', () => {
  const gpu = recordOf(
    checkOn('Mali-G720', { 'read-bandwidth': 60, 'fma-f32': 2000, 'fma-f16': 3900, 'largest-pool': 2 ** 31 }),
  );
  expect(gpu).toMatchObject({
    vendor: 'arm',
    kind: 'integrated',
    sharedMemory: true,
    tdpW: null,
    l2MB: null,
  });
  expect(gpu.fp16MatrixTflops).toBeCloseTo(3.9, 9);
  expect(usableMemoryBytes(gpu)).toBe(2 ** 31);
  expect(gpu.serving).toMatchObject({ fp8MatrixTflops: null, int8MatrixTops: null, linkGBps: null });
  expect(gpu.source).toMatch(/^hardware check of 2026-09-01/);
});

test('a check faster than the published rate does not raise the matrix units', () => {
  const gpu = recordOf(checkOn('Apple M2', { 'read-bandwidth': 90, 'fma-f32': 9000 }));
  expect(gpu.fp16MatrixTflops).toBe(findAnyGpu('m2')?.fp16MatrixTflops);
});

test('a card from a link says so', () => {
  const gpu = recordOf(checkOn('Apple M2', LAPTOP, { received: 'link' }));
  expect(gpu.source).toMatch(/of somebody else, from a link/);
});

test.each([
  [{ 'fma-f32': 1000 }, /has no read bandwidth; run it again and let it finish\.$/],
  [{ 'read-bandwidth': 0, 'fma-f32': 1000 }, /has no read bandwidth/],
  [{ 'read-bandwidth': Number.NaN, 'fma-f32': 1000 }, /has no read bandwidth/],
  [{ 'read-bandwidth': 100 }, /has no multiply-add rate/],
  [{ 'read-bandwidth': 100, 'fma-f32': null, 'fma-f16': -1 }, /has no multiply-add rate/],
])('refused: %o', (values, sentence) => {
  const read = gpuFromCheck(checkOn('Apple M2', values));
  expect(read.ok ? 'read' : read.sentence).toMatch(sentence);
});
