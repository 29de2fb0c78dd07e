/** The two forms of prefill attention and their constants. Neither uses subgroups, so both serve every tier. */
import type { Gpu } from '../context.ts';
import type { ShaderConstants } from '../shader.ts';

/** shaders/prefill_rows.wgsl: queries and sums in private arrays, keys and values broadcast; for CPU adapters. */
export interface RowTuning {
  readonly form: 'rows';
  /** Lanes of one workgroup. */
  readonly lanes: number;
  /** Query rows of one lane, in fours. */
  readonly rowVecs: number;
  /** Tokens of the cache taken together: 1, 2, 4 or 8. */
  readonly keys: number;
}

/** shaders/prefill_tiles.wgsl: tiles of keys and values in workgroup memory; for GPUs. */
export interface TileTuning {
  readonly form: 'tiles';
}

export type PrefillTuning = RowTuning | TileTuning;

/**
 * Measured on software adapters at 8/2 heads, 64 queries, context 256, GFLOP per CPU second. SwiftShader (head dim 64,
 * 128; f32): 4 lanes × 8 keys 0.82, 0.84; 4 lanes × 4 keys 0.49, 0.55; 8 rows a lane 0.96, 1.19, but 2.5 times as long to
 * compile; tiles 0.38, 0.70. lavapipe (f16): 32 lanes × 4 keys 5.9, 5.9; 8 lanes 2.0, 4.4; tiles 2.2, 2.2. On a GPU private
 * arrays of this size lie in memory, hence the tiles, which have not been measured there.
 */
export function defaultPrefillTuning(gpu: Pick<Gpu, 'isFallback' | 'info'>): PrefillTuning {
  if (!gpu.isFallback) return { form: 'tiles' };
  return /llvmpipe/i.test(gpu.info.description)
    ? { form: 'rows', lanes: 32, rowVecs: 1, keys: 4 }
    : { form: 'rows', lanes: 4, rowVecs: 1, keys: 8 };
}

export interface PrefillKernel {
  /** File in shaders/. */
  readonly kernel: string;
  readonly variant: string;
  /** Packed rows (query tokens × group) of one workgroup. */
  readonly tileRows: number;
  readonly constants: ShaderConstants;
}

/** f32 values that the tile form stages at a time. */
const STAGE_VALUES = 2048;

export function prefillKernel(tuning: PrefillTuning, headDim: number): PrefillKernel {
  switch (tuning.form) {
    case 'rows': {
      const { lanes, rowVecs, keys } = tuning;
      return {
        kernel: 'prefill_rows',
        variant: `rows-${lanes * rowVecs * 4}x${keys}`,
        tileRows: lanes * rowVecs * 4,
        constants: { LANES: lanes, ROW_VECS: rowVecs, KEYS: keys },
      };
    }
    case 'tiles': {
      const valueKeys = [16, 8].find((keys) => keys * headDim <= STAGE_VALUES) ?? 4;
      return {
        kernel: 'prefill_tiles',
        variant: 'tiles-32x32',
        tileRows: 32,
        constants: { DIMS: headDim % 32 === 0 ? 32 : 16, VALUE_KEYS: valueKeys },
      };
    }
    default:
      return tuning satisfies never;
  }
}
