/** The two forms of prefill attention and their constants. Neither uses subgroups, so both serve every tier. */
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

/** A CPU adapter runs subgroups of 4 and pays for each barrier; a GPU pays for each private array. */
export function defaultPrefillTuning(gpu: { readonly isFallback: boolean }): PrefillTuning {
  return gpu.isFallback ? { form: 'rows', lanes: 4, rowVecs: 1, keys: 8 } : { form: 'tiles' };
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
