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

/**
 * Tiles ascending in tokens; a launch takes the first that holds its tokens, or the last.
 *
 * Software adapters: measured on SwiftShader in CPU time (512 × 512, 8 tokens; 1 token in brackets), 4 lanes: f32 with 4
 * words a load and 8 rows × 8 tokens 1.4 GFLOP/s a core (8 × 1: 0.57), with 1 word 1.05 (0.32), 8 × 4 1.0, 8 × 16 0.5. f16
 * 2 words 1.1, int8 2 words 1.4, int4 1 word 1.9. A load of one number for 4 lanes takes about 50 cycles, whatever its
 * pattern, and a multiply-add next to nothing, so that bigger tiles are faster by the loads that they save: 16 × 8 takes
 * 0.8 of the time of 8 × 8 (matrices of 128 to 2,048 rows). Fixed-size arrays and fma instead of dot changed nothing. GPUs:
 * 16 bytes a lane for one token, fewer where the inputs of many tokens want registers; arithmetic, not measured.
 */
export function defaultRowsTunings(gpu: Gpu, tier: LinearTier, format: WeightFormat): readonly RowsTuning[] {
  if (gpu.isFallback) {
    const lanes = tier === 'subgroups' ? gpu.features.subgroupMinSize : 4;
    const load = SOFTWARE_LOADS[format];
    // A tile with twice the rows takes twice as long to compile, longest with integer weights or without subgroups.
    const most = tier === 'subgroups' && (format === 'f32' || format === 'f16') ? 16 : 8;
    return [1, 4, 8].map((tokens) => ({ lanes, teams: 1, rows: tokens === 8 ? most : 8, tokens, load }));
  }
  const lanes = tier === 'subgroups' ? Math.min(32, gpu.features.subgroupMinSize) : 32;
  const teams = Math.max(1, 64 / lanes);
  const load = GPU_LOADS[format];
  return [
    { lanes, teams, rows: 4, tokens: 1, load: 4 },
    { lanes, teams, rows: 4, tokens: 4, load },
    { lanes, teams, rows: 4, tokens: 8, load },
  ];
}

/**
 * Tokens from which on a GPU runs linear_tiles.wgsl: about where its tile of 64 tokens wastes no more multiply-adds than
 * reading the matrix once every 8 tokens costs. Never on a CPU adapter, which pays for every barrier.
 */
export function defaultTiledFrom(gpu: Pick<Gpu, 'isFallback'>): number {
  return gpu.isFallback ? Infinity : 24;
}

const SOFTWARE_LOADS: Readonly<Record<WeightFormat, number>> = { f32: 4, f16: 2, int8: 2, int4: 1 };
/** Words that hold four columns (int4: eight). */
export const GPU_LOADS: Readonly<Record<WeightFormat, number>> = { f32: 4, f16: 2, int8: 1, int4: 1 };

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
