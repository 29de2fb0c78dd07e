/**
 * The cells of a quality scenario: one cache each, from its lists of formats, policies, budgets and variants of keys.
 *
 * The first cell is always the full cache in f32, with which all others are compared.
 */
import type { KvFormat } from '../../kv/formats.ts';
import type { KeyAxis, QualityPolicy, QualityScenario } from './schema.ts';

export interface KeyVariant {
  readonly bits: number;
  readonly axis: KeyAxis;
  readonly rotated: boolean;
  /** 1: no outlier. */
  readonly outlierGain: number;
}

export interface QualityCell {
  readonly kFormat: KvFormat;
  readonly vFormat: KvFormat;
  readonly policy: QualityPolicy;
  /** Tokens; null where the policy takes none. */
  readonly budget: number | null;
  readonly variant: KeyVariant | null;
}

/** Cells of one scenario, the reference among them. */
export const MAX_CELLS = 256;

export const REFERENCE_CELL: QualityCell = {
  kFormat: 'f32',
  vFormat: 'f32',
  policy: 'none',
  budget: null,
  variant: null,
};

type Pair = Pick<QualityCell, 'kFormat' | 'vFormat'>;
type Cut = Pick<QualityCell, 'policy' | 'budget'>;

function pairs({ kFormats, vFormats }: QualityScenario['cache']): Pair[] {
  if (vFormats.length === 0) return kFormats.map((format) => ({ kFormat: format, vFormat: format }));
  return kFormats.flatMap((kFormat) => vFormats.map((vFormat) => ({ kFormat, vFormat })));
}

function cuts({ policies, budgets }: QualityScenario['cache']): Cut[] {
  return policies.flatMap((policy): Cut[] =>
    policy === 'none' ? [{ policy, budget: null }] : budgets.map((budget) => ({ policy, budget })),
  );
}

function variants({
  variants: { bits, axes, rotation, outlierGains },
}: QualityScenario['cache']): KeyVariant[] {
  return outlierGains.flatMap((outlierGain) =>
    bits.flatMap((width) =>
      axes.flatMap((axis) => rotation.map((rotated) => ({ bits: width, axis, rotated, outlierGain }))),
    ),
  );
}

/** Whether the pool cannot hold such rows, so that they are rounded before an f32 pool takes them. */
export function isEmulated({ kFormat, vFormat, variant }: QualityCell): boolean {
  return variant !== null || kFormat !== vFormat;
}

export function variantLabel({ bits, axis, rotated, outlierGain }: KeyVariant): string {
  const planted = outlierGain === 1 ? '' : `, outlier × ${outlierGain}`;
  return `K ${bits}-bit per ${axis}${rotated ? ', rotated' : ''}${planted}`;
}

/** A cell in words, unique within a scenario: 'int8', 'K int4 · V f16', 'f32 · h2o 128'. */
export function cellLabel(cell: QualityCell): string {
  const { kFormat, vFormat, policy, budget, variant } = cell;
  const format = kFormat === vFormat ? kFormat : `K ${kFormat} · V ${vFormat}`;
  const cache = variant === null ? format : variantLabel(variant);
  return policy === 'none' ? cache : `${cache} · ${policy} ${budget ?? ''}`.trimEnd();
}

/** All cells, the reference first, each once. */
export function cellsOf({ cache }: QualityScenario): QualityCell[] {
  const full = { policy: 'none', budget: null } as const;
  const formats = pairs(cache);
  const kept = cuts(cache);
  const listed: QualityCell[] = [
    ...(cache.crossed
      ? formats.flatMap((pair) => kept.map((cut) => ({ ...pair, ...cut, variant: null })))
      : [
          ...formats.map((pair) => ({ ...pair, ...full, variant: null })),
          ...kept.map((cut) => ({ ...REFERENCE_CELL, ...cut })),
        ]),
    ...variants(cache).map((variant) => ({ ...REFERENCE_CELL, variant })),
  ];
  const byLabel = new Map([REFERENCE_CELL, ...listed].map((cell) => [cellLabel(cell), cell]));
  return [...byLabel.values()];
}
