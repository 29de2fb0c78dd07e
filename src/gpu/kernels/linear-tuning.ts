/** What can be tuned in a linear layer, and the defaults by class of adapter. */
import type { Gpu } from '../context.ts';
import type { WeightFormat } from './linear-config.ts';
import { paddedColumnsOf, SCALE_COLUMNS, WEIGHT_BITS } from './linear-pack.ts';

export type LinearTier = 'subgroups' | 'no-subgroups';

/** One tile of shaders/linear_rows.wgsl. Numbers are powers of two. */
export interface RowsTuning {
  /** Lanes that go along the columns together; at most subgroupMinSize in the subgroup tier. */
  readonly lanes: number;
  /** Teams of lanes in a workgroup. */
  readonly teams: number;
  /** Matrix rows of a team. */
  readonly rows: number;
  /** Most tokens of a team. */
  readonly tokens: number;
  /** u32 words of a load, at most; a row that is no multiple gets less. */
  readonly load: number;
}

/** Ascending in tokens; a launch takes the first that holds its tokens, or the last. */
export function defaultRowsTunings(gpu: Gpu, tier: LinearTier, format: WeightFormat): readonly RowsTuning[] {
  if (gpu.isFallback) {
    const lanes = tier === 'subgroups' ? gpu.features.subgroupMinSize : 4;
    return [1, 4, 8].map((tokens) => ({ lanes, teams: 1, rows: 8, tokens, load: 1 }));
  }
  const lanes = tier === 'subgroups' ? Math.min(32, gpu.features.subgroupMinSize) : 32;
  const teams = Math.max(1, 64 / lanes);
  // Few columns a load where many tokens want their inputs in registers.
  const fewer = { f32: 4, f16: 2, int8: 1, int4: 1 } as const;
  return [
    { lanes, teams, rows: 4, tokens: 1, load: 4 },
    { lanes, teams, rows: 4, tokens: 4, load: fewer[format] },
    { lanes, teams, rows: 4, tokens: 8, load: fewer[format] },
  ];
}

/** How a row of a matrix is loaded: what `load` words at once mean in columns and vectors. */
export interface LoadPlan {
  readonly load: number;
  /** Columns of a vector: 1, 2 or 4. */
  readonly width: number;
  /** Vectors of a load. */
  readonly parts: number;
  /** Loads of a row. */
  readonly chunks: number;
  readonly chunksPerScale: number;
}

export function planLoads(format: WeightFormat, columns: number, mostWords: number): LoadPlan {
  const padded = paddedColumnsOf(format, columns);
  const bits = WEIGHT_BITS[format];
  const rowWords = (padded * bits) / 32;
  let load = mostWords;
  while (rowWords % load !== 0) load /= 2;
  const chunk = (load * 32) / bits;
  const width = Math.min(4, chunk);
  return {
    load,
    width,
    parts: chunk / width,
    chunks: rowWords / load,
    chunksPerScale: SCALE_COLUMNS / chunk,
  };
}
