import { beforeAll, expect, it } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import type { Gpu } from '../../../src/gpu/context.ts';
import { createRoundtrip } from '../../../src/gpu/kernels/roundtrip.ts';
import type { RoundtripConfig, Rounding } from '../../../src/gpu/kernels/roundtrip-config.ts';
import { roundtripTwin } from '../../../src/gpu/kernels/roundtrip.twin.ts';
import { readFloats, runPass } from '../../support/dispatch.ts';
import { openTestGpu } from '../../support/gpu.ts';

const ROUNDINGS: readonly Rounding[] = [
  { kind: 'f16' },
  { kind: 'int8' },
  { kind: 'e4m3' },
  { kind: 'e5m2' },
  { kind: 'asymmetric', bits: 4 },
  { kind: 'asymmetric', bits: 3 },
  { kind: 'asymmetric', bits: 2 },
];

const CASES = ROUNDINGS.flatMap((rounding) =>
  (['token', 'channel'] as const).map((axis) => ({
    rounding,
    axis,
    name: `${JSON.stringify(rounding)} per ${axis}`,
  })),
);

let gpus: Gpu[];
beforeAll(async () => {
  gpus = await Promise.all([openTestGpu(), openTestGpu({ subgroups: false, f16: false })]);
});

/** Rows with a long tail, one channel far out, a row of zeros and a constant one. */
function hardRows(rows: number, heads: number, headDim: number): Float32Array {
  const random = createRandom(7);
  const width = heads * headDim;
  return Float32Array.from({ length: rows * width }, (_, i) => {
    const row = Math.floor(i / width);
    if (row === 1) return 0;
    if (row === 2) return 0.75;
    const tail = random.normal() * (random.below(40) === 0 ? 20 : 1);
    return i % headDim === 3 ? tail + 30 : tail;
  });
}

async function onGpu(
  gpu: Gpu,
  config: RoundtripConfig,
  rows: Float32Array,
  list: number[],
): Promise<Float32Array> {
  const roundtrip = await createRoundtrip(gpu, config);
  const buffer = gpu.buffers.upload('Test.rows', rows);
  const listed = gpu.buffers.upload('Test.list', Uint32Array.from(list));
  const numRows = rows.length / (config.heads * config.headDim);
  const count = config.axis === 'token' ? list.length : list.length / 2;
  await runPass(gpu, (pass) => roundtrip.encode(pass, { rows: buffer, numRows, list: listed, count }));
  const got = await readFloats(gpu, buffer);
  gpu.buffers.destroy(buffer, listed);
  return got;
}

/** Values that differ by more than rounding noise: there a code fell on the other side of a tie. */
function disagreements(got: Float32Array, expected: Float32Array): number {
  return got.filter((value, i) => {
    const wanted = expected[i] ?? 0;
    return Math.abs(value - wanted) > 2e-5 * Math.max(1, Math.abs(wanted));
  }).length;
}

it.each(CASES)('rounds as its twin: $name', async ({ rounding, axis }) => {
  const [heads, headDim, rows] = [2, 48, 41];
  const config: RoundtripConfig = { heads, headDim, rounding, axis };
  const input = hardRows(rows, heads, headDim);
  const list = axis === 'token' ? Array.from({ length: rows - 1 }, (_, i) => i) : [0, 32, 32, 8];
  const expected = input.slice();
  roundtripTwin(expected, config, list);
  for (const gpu of gpus) {
    const got = await onGpu(gpu, config, input, list);
    expect(got.length).toBe(input.length);
    expect(disagreements(got, expected)).toBeLessThanOrEqual(4);
    // The last row is in no list.
    expect(got.slice((rows - 1) * heads * headDim)).toEqual(input.slice((rows - 1) * heads * headDim));
    expect(disagreements(got, input)).toBeGreaterThan(rounding.kind === 'f16' ? 10 : 100);
  }
});

it.each([
  { headDim: 64, rotated: true, outlier: undefined },
  { headDim: 48, rotated: true, outlier: { channel: 5, gain: 30 } },
  { headDim: 32, rotated: false, outlier: { channel: 0, gain: 30 } },
])(
  'turns and plants as its twin: $headDim channels, rotated $rotated',
  async ({ headDim, rotated, outlier }) => {
    const config: RoundtripConfig = {
      heads: 2,
      headDim,
      rounding: { kind: 'asymmetric', bits: 2 },
      axis: 'channel',
      rotated,
      ...(outlier && { outlier }),
    };
    const random = createRandom(9);
    const input = Float32Array.from({ length: 40 * 2 * headDim }, () => random.normal());
    const expected = Float64Array.from(input);
    roundtripTwin(expected, config, [0, 32]);
    for (const gpu of gpus) {
      const got = await onGpu(gpu, config, input, [0, 32]);
      const rounded = Float32Array.from(expected);
      expect(disagreements(got, rounded)).toBeLessThanOrEqual(2 * headDim);
      // Behind the group nothing is rounded, only turned and turned back.
      expect(disagreements(got.slice(32 * 2 * headDim), input.slice(32 * 2 * headDim))).toBe(0);
    }
  },
);

it('refuses an outlier outside the head', async () => {
  const [gpu] = gpus;
  if (!gpu) throw new Error('no GPU was opened');
  const config: RoundtripConfig = {
    heads: 1,
    headDim: 16,
    rounding: { kind: 'int8' },
    axis: 'token',
    outlier: { channel: 16, gain: 2 },
  };
  await expect(createRoundtrip(gpu, config)).rejects.toThrow(
    'channel 16 with gain 2 is no outlier of 16 channels',
  );
});
