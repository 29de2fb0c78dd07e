/** What a round trip of rows through a KV format is: the numbers that launcher and twin share. */
import { channelGroup, type KvFormat } from '../../core/kv/formats.ts';

/** How values are rounded; `asymmetric` has an f16 scale and minimum for each group. */
export type Rounding =
  | { readonly kind: 'f16' }
  | { readonly kind: 'int8' | 'e4m3' | 'e5m2' }
  | { readonly kind: 'asymmetric'; readonly bits: number };

export interface RoundtripConfig {
  readonly heads: number;
  readonly headDim: number;
  readonly rounding: Rounding;
  /** token: one scale along channels. channel: one scale along the tokens of a group. */
  readonly axis: 'token' | 'channel';
  /** Hadamard rotation before the rounding, undone behind it. */
  readonly rotated?: boolean;
  /** This channel is multiplied by `gain` before (and before the rotation), divided behind. */
  readonly outlier?: { readonly channel: number; readonly gain: number };
}

/** Rounding of a format's rows, the axis aside; null for f32, which rounds nothing. */
export function roundingOf(format: KvFormat): Rounding | null {
  switch (format) {
    case 'f32':
      return null;
    case 'f16':
    case 'int8':
      return { kind: format };
    case 'fp8-e4m3':
      return { kind: 'e4m3' };
    case 'fp8-e5m2':
      return { kind: 'e5m2' };
    case 'int4':
      return { kind: 'asymmetric', bits: 4 };
    case 'int2':
      return { kind: 'asymmetric', bits: 2 };
    default:
      return format satisfies never;
  }
}

/** Channels of a token that share a scale: a whole head for int8 and fp8, KIVI's groups for few bits. */
export function tokenAxisGroup({ kind }: Rounding, headDim: number): number {
  return kind === 'asymmetric' ? channelGroup(headDim) : headDim;
}

/** Channels of one Hadamard block: the largest power of two that divides the head, which is the head where it is one. */
export function hadamardBlock(headDim: number): number {
  return headDim & -headDim;
}
