/** What every kernel that reads K and V through shaders/lib/prefill_kv.wgsl needs: template constants and int2's ring. */
import type { KvFormat, KvLayout, RegionLayout } from '../../core/kv/formats.ts';
import type { ShaderConstants } from '../shader.ts';
import { LaunchError } from './kernel.ts';

/** From the index of a slot to its first parameter word, as WGSL. */
function paramStep({ params, group }: RegionLayout, headDim: number): string {
  switch (params) {
    case 'none':
    case 'row':
      return '* 1u';
    case 'row-group':
      return `* ${headDim / group}u`;
    case 'channel':
      return `/ ${group}u * ${headDim}u`;
    default:
      return params satisfies never;
  }
}

/** Codes that the raw form of kv_load.wgsl spreads over 1 ≤ raw < 2. */
const CODE_LEVELS: Partial<Record<KvFormat, number>> = { int4: 16, int2: 4 };

export function kvRowConstants(layout: KvLayout, residualTokens = 0): ShaderConstants {
  const { format, shape, k, v } = layout;
  const groups = (region: RegionLayout): number =>
    region.params === 'row-group' ? shape.headDim / region.group : 1;
  return {
    FORMAT: format,
    HEAD_DIM: shape.headDim,
    KV_HEADS: shape.kvHeads,
    BLOCK_SIZE: shape.blockSize,
    BLOCK_WORDS: layout.blockWords,
    K_PARAMS: k.params,
    K_PARAM_STEP: paramStep(k, shape.headDim),
    K_GROUPS: groups(k),
    K_REGION_WORDS: k.regionWords,
    K_PARAM_WORDS: k.paramWords,
    K_ROW_WORDS: k.rowWords,
    V_PARAMS: v.params,
    V_PARAM_STEP: paramStep(v, shape.headDim),
    V_GROUPS: groups(v),
    V_REGION_WORDS: v.regionWords,
    V_PARAM_WORDS: v.paramWords,
    V_ROW_WORDS: v.rowWords,
    CODE_LEVELS: CODE_LEVELS[format] ?? 0,
    E4M3_FACTOR: format === 'fp8-e4m3' ? ' * 256.0' : '',
    RESIDUAL_TOKENS: residualTokens,
  };
}

/** The f16 ring of the newest tokens, which int2 alone has. */
export interface RingArgs {
  /** u32 [ring slots][K, V][kvHeads][residualTokens][headDim / 2] */
  readonly residual?: GPUBuffer;
  /** u32 [batch]: the ring slot of each sequence. */
  readonly residualSlots?: GPUBuffer;
}

/** @throws LaunchError where int2 comes without a whole number of token groups in its ring. */
export function checkRing(kernel: string, layout: KvLayout, residualTokens = 0): void {
  if (layout.format !== 'int2') return;
  if (residualTokens === 0 || residualTokens % layout.k.group !== 0) {
    throw new LaunchError(
      kernel,
      `residualTokens is ${residualTokens}; int2 needs a multiple of ${layout.k.group}.`,
    );
  }
}

/** The two buffers that int2 adds to a kernel's bindings, nothing for other formats. */
export function ringBuffers(
  kernel: string,
  layout: KvLayout,
  { residual, residualSlots }: RingArgs,
): GPUBuffer[] {
  if (layout.format !== 'int2') return [];
  if (!residual || !residualSlots) throw new LaunchError(kernel, 'int2 needs residual and residualSlots.');
  return [residual, residualSlots];
}
