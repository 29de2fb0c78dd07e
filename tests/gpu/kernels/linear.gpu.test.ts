/** Linear layers against their twin: formats, norms, epilogues, odd sizes, gathered rows, one token to many. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../../src/gpu/context.ts';
import { createLinear, type LinearOptions } from '../../../src/gpu/kernels/linear.ts';
import {
  WEIGHT_FORMATS,
  type LinearEpilogue,
  type WeightFormat,
} from '../../../src/gpu/kernels/linear-config.ts';
import { defaultRowsTunings } from '../../../src/gpu/kernels/linear-tuning.ts';
import { combinations, FULL_PRODUCT } from '../../support/full.ts';
import { inErrorScope, openTestGpu } from '../../support/gpu.ts';
import { relativeError, runLinear, type LinearShape } from './linear.run.ts';

const EPILOGUES: readonly LinearEpilogue[] = [
  'store',
  'add',
  'silu-gated',
  'gelu',
  'gelu-tanh',
  'relu',
  'gelu-tanh-gated',
];

const CASES = combinations({
  format: WEIGHT_FORMATS,
  norm: ['none', 'rms', 'layer'] as const,
  epilogue: EPILOGUES,
  columns: [64, 172, 128, 36] as const,
  rows: [24, 66, 10] as const,
  tokens: [1, 3, 8, 17] as const,
  hasBias: [false, true] as const,
  gathered: [true, false] as const,
});

let gpus: Record<'auto' | 'no-subgroups', Gpu>;
beforeAll(async () => {
  gpus = { auto: await openTestGpu(), 'no-subgroups': await openTestGpu({ subgroups: false, f16: false }) };
});

describe.each(['auto', 'no-subgroups'] as const)('linear, %s', (tier) => {
  // Tiers differ in how sums are joined, not in what becomes of them: half of the cases shows it.
  const cases = FULL_PRODUCT || tier === 'auto' ? CASES : CASES.filter((_, i) => i % 4 < 2);
  for (const { tokens, gathered, ...shape } of cases) {
    const { format, norm, epilogue, rows, columns, hasBias } = shape;
    const name = `${format} ${rows} × ${columns}, norm ${norm}, ${epilogue}${hasBias ? ' with bias' : ''}`;
    it(`${name}, ${tokens} tokens${gathered ? ' gathered' : ''}`, async () => {
      const gpu = gpus[tier];
      const result = await runLinear(
        gpu,
        { ...shape, tier: 'auto' },
        tokens,
        gathered,
        tileFor(gpu, format, tokens),
      );
      expect(relativeError(result)).toBeLessThan(TOLERANCE);
    });
  }

  it('takes a tile that holds the tokens, and several where none does', async () => {
    for (const tokens of [1, 2, 5, 19]) {
      const result = await runLinear(gpus[tier], PLAIN, tokens, false);
      expect(relativeError(result)).toBeLessThan(TOLERANCE);
    }
  });

  it.each(WEIGHT_FORMATS)('agrees in the tiles meant for real GPUs: %s', async (format) => {
    const gpu = gpus[tier];
    const names = tier === 'auto' ? 'subgroups' : 'no-subgroups';
    const shape = { ...PLAIN, format, norm: 'rms', epilogue: 'silu-gated', rows: 40 } as const;
    for (const tuning of defaultRowsTunings({ ...gpu, isFallback: false }, names, format).slice(0, 2)) {
      const result = await runLinear(gpu, shape, tuning.tokens, false, { rowsTunings: [tuning] });
      expect(relativeError(result)).toBeLessThan(TOLERANCE);
    }
  });
});

/** The tiled kernel has no subgroup operation, so one tier is enough. */
describe('linear in tiles', () => {
  const cases = combinations({
    format: WEIGHT_FORMATS,
    norm: ['rms', 'none', 'layer'] as const,
    epilogue: ['silu-gated', 'add', 'gelu'] as const,
    columns: [172, 64, 36] as const,
    rows: [66, 140] as const,
    tokens: [70, 24] as const,
    hasBias: [true, false] as const,
    gathered: [false, true] as const,
  });
  // One value of the longest axes a format: a workgroup of 64 compiles slowly on a CPU adapter.
  const few = FULL_PRODUCT ? cases : cases.filter((_, i) => i % 3 === Math.floor(i / 3) % 3);
  it.each(few)(
    '$format $rows × $columns, $norm, $epilogue, $tokens tokens',
    async ({ tokens, gathered, ...shape }) => {
      const options = { tiledFrom: 24, rowsTunings: [] };
      const result = await runLinear(
        gpus['no-subgroups'],
        { ...shape, tier: 'auto' },
        tokens,
        gathered,
        options,
      );
      expect(result.variant).toMatch(/64x64/);
      expect(relativeError(result)).toBeLessThan(TOLERANCE);
    },
  );
});

const TOLERANCE = 2e-5;
const PLAIN: LinearShape = {
  format: 'f32',
  rows: 20,
  columns: 64,
  norm: 'none',
  epilogue: 'store',
  hasBias: false,
  tier: 'auto',
};

/** Only the tile that the launcher would take, because the others' compilation is most of a test's time. */
function tileFor(gpu: Gpu, format: WeightFormat, tokens: number): LinearOptions {
  const tunings = defaultRowsTunings(gpu, gpu.features.subgroups ? 'subgroups' : 'no-subgroups', format);
  return {
    rowsTunings: [tunings.find((tuning) => tuning.tokens >= tokens) ?? tunings.at(-1)].flatMap(
      (one) => one ?? [],
    ),
  };
}

describe('linear refuses', () => {
  const shape = { format: 'f32', rows: 8, columns: 16, norm: 'none', epsilon: 0, hasBias: false } as const;

  it('columns that are no multiple of 4, and rows that are no two halves', async () => {
    const rest = { epilogue: 'silu-gated', maxTokens: 1, tier: 'auto' } as const;
    await expect(createLinear(gpus.auto, { ...shape, ...rest, columns: 18 })).rejects.toThrow(/18.*20/);
    await expect(createLinear(gpus.auto, { ...shape, ...rest, rows: 7 })).rejects.toThrow(/7 rows/);
  });

  it('buffers that are missing, too small, or written and read at once', async () => {
    const gpu = gpus.auto;
    const linear = await createLinear(gpu, { ...shape, epilogue: 'add', maxTokens: 4, tier: 'auto' });
    const buffer = gpu.buffers.upload('Test.buffer', new Float32Array(128));
    const weight = { ...shape, paddedColumns: 16, codes: buffer, scales: null, bias: null };
    const args = { input: buffer, weight, output: buffer, tokens: 2 };
    await inErrorScope(gpu, async () => {
      const pass = gpu.device.createCommandEncoder().beginComputePass();
      expect(() => linear.encode(pass, args)).toThrow(/needs residual/);
      expect(() => linear.encode(pass, { ...args, residual: buffer })).toThrow(/one buffer/);
      expect(() => linear.encode(pass, { ...args, tokens: 5 })).toThrow(/5 tokens exceed the 4/);
      const tiny = gpu.buffers.upload('Test.tiny', new Float32Array(4));
      expect(() => linear.encode(pass, { ...args, input: tiny })).toThrow(/input holds 16 bytes.*needs 128/);
      const other = { ...weight, rows: 9 };
      expect(() => linear.encode(pass, { ...args, weight: other })).toThrow(/9 × 16.*8 × 16/);
      gpu.buffers.destroy(tiny, buffer);
      await Promise.resolve();
    });
  });
});
