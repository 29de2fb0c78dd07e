/** The numbers of a KV layout (src/core/kv/formats.ts) as the kernels' templates name them. */
import type { KvFormat, KvLayout } from '../../core/kv/formats.ts';
import type { ShaderConstants } from '../shader.ts';

/** How shaders/lib/kv_load.wgsl decodes a format: value = raw·gain + bias, in `parts` vectors a word. */
export interface RawForm {
  readonly parts: number;
  readonly partElements: number;
  readonly gain: number;
  readonly bias: number;
}

export const RAW_FORMS: Record<KvFormat, RawForm> = {
  f32: { parts: 1, partElements: 1, gain: 1, bias: 0 },
  f16: { parts: 1, partElements: 2, gain: 1, bias: 0 },
  'fp8-e4m3': { parts: 1, partElements: 4, gain: 256, bias: 0 },
  'fp8-e5m2': { parts: 1, partElements: 4, gain: 1, bias: 0 },
  int8: { parts: 1, partElements: 4, gain: 256, bias: 0 },
  int4: { parts: 2, partElements: 4, gain: 16, bias: -16 },
  int2: { parts: 4, partElements: 4, gain: 4, bias: -4 },
};

/** Sizes in words of blocks, regions and rows. */
export function layoutConstants(layout: KvLayout): ShaderConstants {
  const { format, shape, k, v, blockWords } = layout;
  return {
    FORMAT: format,
    KV_HEADS: shape.kvHeads,
    HEAD_DIM: shape.headDim,
    BLOCK_SIZE: shape.blockSize,
    BLOCK_WORDS: blockWords,
    K_REGION_WORDS: k.regionWords,
    K_PARAM_WORDS: k.paramWords,
    V_REGION_WORDS: v.regionWords,
    V_PARAM_WORDS: v.paramWords,
    // Rows of K and V are equally long in every format.
    ROW_WORDS: v.rowWords,
  };
}

/** An f32 literal of WGSL. */
export function f32Literal(value: number): string {
  const text = String(Math.fround(value));
  return /[.e]/.test(text) ? text : `${text}.0`;
}
