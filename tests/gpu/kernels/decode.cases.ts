/**
 * The cases of decode attention. By default a covering set: every value of every axis meets every tier. Under
 * KVLAB_KERNELS=full the product of tier, format, head dimension, group and block size, with the other axes cycling
 * through it.
 */
import { kvLayout, tokenGroup, type KvFormat } from '../../../src/core/kv/formats.ts';
import { widestLoad, type DecodeTier, type DecodeTuning } from '../../../src/gpu/kernels/tuning.ts';
import { combinations, FULL_PRODUCT } from '../../support/full.ts';
import { SMALL_HEAD_DIMS } from '../../support/products.ts';
import type { DecodeCase } from './decode.inputs.ts';

/** In an order that pairs large heads with small groups in the covering set: unrolled code compiles slowly. */
const MAIN_AXES = {
  tier: ['subgroups', 'no-subgroups'] as const,
  group: [1, 3, 5, 7, 8, 2, 4, 6],
  format: ['f32', 'int2', 'f16', 'fp8-e4m3', 'fp8-e5m2', 'int8', 'int4'] satisfies KvFormat[],
  headDim: [256, 128, 96, 80, 64],
  blockSize: [8, 16, 32, 64, 128],
};

/** Kinds of tuning: that of the device, wide loads with several teams, and the other way to look blocks up. */
const OTHER_AXES = {
  window: ['all', 'window', 'window and sinks'] as const,
  tuning: ['default', 'wide', 'hoist'] as const,
  layout: ['paged', 'contiguous'] as const,
  emitScores: [true, false],
  perHead: [false, false, true],
  ring: [1, 2],
};

type Axes = typeof MAIN_AXES & typeof OTHER_AXES;
type Row = { [K in keyof Axes]: Axes[K][number] };

/** Heads of small models, with fewer values of the axes that unroll code. */
const SMALL_AXES = { ...MAIN_AXES, headDim: [...SMALL_HEAD_DIMS], group: [2, 1, 4], blockSize: [16, 32] };

export interface CheckedCase extends DecodeCase {
  readonly name: string;
  readonly tier: DecodeTier;
  readonly emitScores: boolean;
  readonly tuning: Row['tuning'];
}

export function decodeCases(full = FULL_PRODUCT): CheckedCase[] {
  const rows: Row[] = full
    ? [MAIN_AXES, SMALL_AXES]
        .flatMap((axes) => combinations(axes, true))
        .map((row, i) => ({ ...row, ...cycled(i) }))
    : [MAIN_AXES, SMALL_AXES].flatMap((axes) => combinations({ ...axes, ...OTHER_AXES }, false));
  return rows.map(toCase);
}

/** Values of the other axes of the i-th row; a different stride for each, so that they do not move in step. */
function cycled(i: number): { [K in keyof typeof OTHER_AXES]: (typeof OTHER_AXES)[K][number] } {
  const at = <T>(values: readonly T[], stride: number): T => {
    const value = values[Math.floor(i / stride) % values.length];
    if (value === undefined) throw new Error('An axis has no values.');
    return value;
  };
  return {
    window: at(OTHER_AXES.window, 1),
    tuning: at(OTHER_AXES.tuning, 7),
    layout: at(OTHER_AXES.layout, 3),
    emitScores: at(OTHER_AXES.emitScores, 11),
    perHead: at(OTHER_AXES.perHead, 4),
    ring: at(OTHER_AXES.ring, 13),
  };
}

function toCase(row: Row): CheckedCase {
  const { tier, group, format, headDim, blockSize, window, tuning, layout, emitScores, perHead } = row;
  const kvHeads = 2;
  const { lengths, longest } = lengthsOf(blockSize, perHead ? kvHeads : 1);
  const name = [
    ...[tier, format, `D${headDim}`, `G${group}`, `BS${blockSize}`, layout, tuning],
    ...(window === 'all' ? [] : [window]),
    ...(emitScores ? ['scores'] : []),
    ...(perHead ? ['table per head'] : []),
  ];
  return {
    ...{
      name: name.join(' '),
      tier,
      format,
      headDim,
      blockSize,
      layout,
      emitScores,
      tuning,
      kvHeads,
      lengths,
    },
    queryHeads: kvHeads * group,
    perHead,
    windowTokens: window === 'all' ? 0 : Math.floor(longest / 2) + 1,
    sinkTokens: window === 'window and sinks' ? 5 : 0,
    ...(format === 'int2' ? { residualTokens: row.ring * Math.max(32, tokenGroup(blockSize)) } : {}),
  };
}

/** Odd lengths: nothing, one token, around a block, and many blocks in several splits. */
function lengthsOf(blockSize: number, tableHeads: number): { lengths: number[]; longest: number } {
  const longest = Math.max(301, 3 * blockSize + 3);
  const odd = [0, 1, blockSize - 1, blockSize + 1, longest];
  // With a table per head every head has another length.
  const lengths = odd.flatMap((length, i) =>
    Array.from({ length: tableHeads }, (_, h) => odd[(i + h) % odd.length] ?? length),
  );
  return { lengths, longest };
}

/** The tuning a case asks for, from the device's own. */
export function tuningOf(
  kind: CheckedCase['tuning'],
  base: DecodeTuning,
  shape: { format: KvFormat; headDim: number; kvHeads: number; blockSize: number },
): DecodeTuning {
  if (kind === 'default') return base;
  if (kind === 'hoist') return { ...base, hoist: !base.hoist };
  const tokens = 2;
  return {
    ...base,
    loadWords: widestLoad(kvLayout(shape.format, shape)),
    tokens,
    workgroup: base.lanes * 4,
    hoist: false,
    prefetchValues: true,
    minTokensPerSplit: 64,
  };
}
