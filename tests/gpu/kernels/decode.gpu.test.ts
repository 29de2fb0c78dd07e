import { beforeAll, describe, expect, it } from 'vitest';
import { KV_FORMATS } from '../../../src/core/kv/formats.ts';
import type { Gpu } from '../../../src/gpu/context.ts';
import { createPagedDecode } from '../../../src/gpu/kernels/decode.ts';
import type { PagedDecodeConfig } from '../../../src/gpu/kernels/decode-config.ts';
import { LaunchError } from '../../../src/gpu/kernels/kernel.ts';
import { candidates, defaultTuning, planDispatches } from '../../../src/gpu/kernels/tuning.ts';
import { FULL_PRODUCT } from '../../support/full.ts';
import { openTestGpu } from '../../support/gpu.ts';
import { decodeCases, tuningOf } from './decode.cases.ts';
import { makeInputs, type DecodeCase } from './decode.inputs.ts';
import { distanceFromTwin, runOnGpu } from './decode.run.ts';

const gpus = new Map<string, Gpu>();

/** The no-subgroup tier runs on a device without the feature, as in Firefox and Safari 26. */
function gpuOf(tier: string): Gpu {
  const gpu = gpus.get(tier);
  if (!gpu) throw new Error(`No device for ${tier}.`);
  return gpu;
}

beforeAll(async () => {
  gpus.set('subgroups', await openTestGpu());
  gpus.set('no-subgroups', await openTestGpu({ subgroups: false }));
});

const TIERS = ['subgroups', 'no-subgroups'] as const;

/** f32 sums of up to 400 tokens with channels 20 times the others. */
const TOLERANCE = 2e-5;

const SMALL: DecodeCase = {
  format: 'f32',
  headDim: 64,
  queryHeads: 4,
  kvHeads: 2,
  blockSize: 16,
  layout: 'paged',
  lengths: [1, 163, 300],
};

const REAL_GPU_FORMATS = FULL_PRODUCT ? KV_FORMATS : (['f16', 'int4'] as const);

describe.concurrent('decode attention agrees with its twin', { timeout: 600_000 }, () => {
  it.each(decodeCases())('$name', async (test) => {
    const gpu = gpuOf(test.tier);
    expect(gpu.features.subgroups).toBe(test.tier === 'subgroups');
    const tuning = tuningOf(test.tuning, defaultTuning(gpu, test.tier, test), test);
    const distance = await distanceFromTwin(gpu, test, {
      tier: test.tier,
      emitScores: test.emitScores,
      tuning,
    });
    expect(distance.output).toBeLessThan(TOLERANCE);
    expect(distance.scores).toBeLessThan(TOLERANCE);
  });
});

describe.concurrent(
  'the tunings meant for real GPUs agree with the twin here too',
  { timeout: 600_000 },
  () => {
    const cases = TIERS.flatMap((tier) => REAL_GPU_FORMATS.map((format) => ({ tier, format })));
    it.each(cases)('$tier $format', async ({ tier, format }) => {
      const gpu = gpuOf(tier);
      const ring = format === 'int2' ? { residualTokens: 32 } : {};
      const test = { ...SMALL, ...ring, format, blockSize: 32, lengths: [301, 0, 33, 1] };
      const list = candidates({ ...gpu, isFallback: false }, tier, test);
      expect(list.length).toBeGreaterThan(1);
      for (const tuning of FULL_PRODUCT
        ? list
        : [...list.slice(0, 1), ...list.filter(({ scatter }) => scatter).slice(0, 1)]) {
        const distance = await distanceFromTwin(gpu, test, { tier, tuning, emitScores: true });
        expect(distance.output).toBeLessThan(TOLERANCE);
        expect(distance.scores).toBeLessThan(TOLERANCE);
      }
    });
  },
);

describe.concurrent('scattered scores agree with the twin', { timeout: 600_000 }, () => {
  const cases = [
    ...[1, 2, 4].map((tokens) => ({ group: 4, tokens })),
    ...[2, 4].map((tokens) => ({ group: 2, tokens })),
    ...[
      { group: 1, tokens: 4 },
      { group: 8, tokens: 1 },
    ],
  ].map((row, i) => ({ ...row, format: KV_FORMATS[i] ?? 'f32' }));
  it.each(cases)('$format, group $group, $tokens tokens an iteration', async ({ group, tokens, format }) => {
    const gpu = gpuOf('subgroups');
    const ring = format === 'int2' ? { residualTokens: 32 } : {};
    const small = { ...SMALL, ...ring, headDim: 32, lengths: [301, 0, 33, 1] };
    const test = { ...small, format, queryHeads: 2 * group };
    const base = defaultTuning(gpu, 'subgroups', test);
    const tuning = { ...base, tokens, workgroup: base.lanes * 2, scatter: true };
    const windows = tokens > 1 ? { windowTokens: 150, sinkTokens: 3 } : {};
    const variant = { tier: 'subgroups' as const, tuning, emitScores: true };
    const distance = await distanceFromTwin(gpu, { ...test, ...windows }, variant);
    expect(distance.output).toBeLessThan(TOLERANCE);
    expect(distance.scores).toBeLessThan(TOLERANCE);
  });
});

describe.concurrent('a permuted block table', { timeout: 600_000 }, () => {
  const cases = TIERS.flatMap((tier) => KV_FORMATS.map((format) => ({ tier, format })));
  it.each(cases)('gives the bits of the ordered one: $tier $format', async ({ tier, format }) => {
    const test = { ...SMALL, format, ...(format === 'int2' ? { residualTokens: 64 } : {}) };
    const shuffled = makeInputs(test);
    const ordered = makeInputs({ ...test, ordered: true });
    expect(shuffled.blockTable).not.toEqual(ordered.blockTable);
    const a = await runOnGpu(gpuOf(tier), test, { tier }, shuffled);
    const b = await runOnGpu(gpuOf(tier), test, { tier }, ordered);
    expect(a.splits).toBeGreaterThan(1);
    expect(a.output).toEqual(b.output);
    const contiguous = { ...test, layout: 'contiguous' as const };
    const c = await runOnGpu(gpuOf(tier), contiguous, { tier }, makeInputs(contiguous));
    expect(c.output).toEqual(a.output);
  });
});

describe('a launch of several dispatches', () => {
  it.each(TIERS)('gives the bits of a single one: %s', async (tier) => {
    const gpu = gpuOf(tier);
    const inputs = makeInputs(SMALL);
    // Splits are made of whole blocks either way; 4 · 4 heads · 64 · 100 tokens is less than one sequence.
    const tuning = { ...defaultTuning(gpu, tier, SMALL), minTokensPerSplit: 64, targetWorkgroups: 30 };
    const few = { ...tuning, maxDispatchFlops: 4 * 4 * 64 * 100 };
    expect(planDispatches(few, SMALL, 3, 300).length).toBeGreaterThan(3);
    expect(planDispatches(tuning, SMALL, 3, 300).length).toBe(1);
    const one = await runOnGpu(gpu, SMALL, { tier, tuning }, inputs);
    const many = await runOnGpu(gpu, SMALL, { tier, tuning: few }, inputs);
    expect(many.splits).toBe(one.splits);
    expect(many.output).toEqual(one.output);
  });
});

describe('a launch that does not fit is refused with both numbers', () => {
  const config: PagedDecodeConfig = { ...SMALL, tier: 'auto', maxBatch: 2, maxContextTokens: 64 };
  const refused: [string, Partial<PagedDecodeConfig>, RegExp][] = [
    ['group', { queryHeads: 18 }, /18 query heads over 2/],
    ['ring', { format: 'int2', residualTokens: 20 }, /residualTokens is 20; int2 needs a multiple of 16/],
  ];
  it.each(refused)('%s', async (_, change, message) => {
    const made = createPagedDecode(gpuOf('subgroups'), { ...config, ...change });
    await expect(made).rejects.toThrow(message);
    await expect(made).rejects.toBeInstanceOf(LaunchError);
  });

  it('subgroups on a device without them', async () => {
    const made = createPagedDecode(gpuOf('no-subgroups'), { ...config, tier: 'subgroups' });
    await expect(made).rejects.toThrow(/which this device does not have/);
  });

  it('arguments', async () => {
    const gpu = gpuOf('subgroups');
    const kernel = await createPagedDecode(gpu, config);
    const buffer = gpu.buffers.create('Test.small', 64, GPUBufferUsage.STORAGE);
    const encoder = gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    const args = {
      ...{ query: buffer, pool: buffer, contextLengths: buffer, output: buffer, blockTable: buffer },
      ...{ batch: 2, maxContextTokens: 64, tableStride: 4 },
    };
    expect(() => kernel.encode(pass, args)).toThrow(/query holds 64 bytes, but this launch needs 2048/);
    expect(() => kernel.encode(pass, { ...args, batch: 3 })).toThrow(
      /batch 3 of 64 tokens; it was made for 2 of 64/,
    );
    expect(() => kernel.encode(pass, { ...args, tableStride: 3 })).toThrow(
      /64 tokens; 3 blocks of 16 hold fewer/,
    );
    expect(() => kernel.encode(pass, { ...args, windowTokens: 8 })).toThrow(/made without `windowed`/);
    expect(() => kernel.encode(pass, { ...args, tableHeads: 3 })).toThrow(/tableHeads is 3; 1 or 2/);
    pass.end();
    kernel.destroy();
    gpu.buffers.destroy(buffer);
  });
});
