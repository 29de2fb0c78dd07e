/** What the kernels of a transformer step beside its linear layers and its attention are made from and called with. */
import type { KvLayout } from '../../core/kv/formats.ts';
import type { LinearWeight, WeightFormat } from './linear-config.ts';

/** embed.ts: token ids to rows of the residual stream. */
export interface EmbedConfig {
  readonly hidden: number;
  readonly format: WeightFormat;
  readonly learnedPositions: boolean;
}
export interface EmbedArgs {
  readonly table: LinearWeight;
  /** f32 [positions][hidden]; with learnedPositions. */
  readonly positionTable?: GPUBuffer;
  /**
   * u32 [tokens]: a token id; or, with the highest bit set, the number of a slot of `lastTokens`, whose id only the GPU
   * knows yet.
   */
  readonly ids: GPUBuffer;
  /** u32 [slots]: the token that each slot sampled last. */
  readonly lastTokens: GPUBuffer;
  /** u32 [tokens], the table's offset already added where there is one. */
  readonly positions: GPUBuffer;
  /** f32 [tokens][hidden] */
  readonly output: GPUBuffer;
  readonly tokens: number;
}
export const FROM_SLOT = 0x80000000;

/** rope.ts: splits the rows of the fused projection into queries, keys and values; norms, turns and pads them. */
export interface RopeConfig {
  readonly queryHeads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** headDim of the outputs; channels from headDim on are zero. */
  readonly paddedHeadDim: number;
  /** 0: nothing is turned (learned positions). */
  readonly rotaryDim: number;
  readonly layout: 'half' | 'interleaved';
  readonly qkNorm: boolean;
  readonly epsilon: number;
  /** Queries are multiplied by this: √(paddedHeadDim / headDim) undoes the attention kernel's own 1/√paddedHeadDim. */
  readonly queryScale: number;
  /** Factor on cos and sin (YaRN); 1 otherwise. */
  readonly magnitude: number;
  /** Keys and values go right into this paged cache, where `ropeAppends` says so; left out: to `key` and `value`. */
  readonly cache?: KvLayout;
}
export interface RopeArgs {
  /** f32 [tokens][(queryHeads + 2·kvHeads)·headDim] */
  readonly input: GPUBuffer;
  /** u32 [tokens] */
  readonly positions: GPUBuffer;
  /**
   * u32 [rotaryDim / 2], turns per position as a fraction of 2^32, scaling applied: position × word wraps around where
   * the angle does. Computed on the host in double precision (engine/rope-frequencies.ts, encodedRope).
   */
  readonly frequencies: GPUBuffer;
  /** f32 [headDim]; with qkNorm. */
  readonly queryNorm?: GPUBuffer;
  readonly keyNorm?: GPUBuffer;
  /** f32 [tokens][queryHeads][paddedHeadDim] */
  readonly query: GPUBuffer;
  /** f32 [tokens][kvHeads][paddedHeadDim]; without a cache. */
  readonly key?: GPUBuffer;
  readonly value?: GPUBuffer;
  /** One layer's pool, and i32 [tokens] the slot of each token in it or −1, as in append.ts; with a cache. */
  readonly pool?: GPUBuffer;
  readonly slots?: GPUBuffer;
  readonly tokens: number;
}

/** sample.ts: one token id of each row of logits. */
export interface SampleConfig {
  readonly vocab: number;
  readonly maxRows: number;
}
export interface SampleArgs {
  /** f32 [rows][vocab] */
  readonly logits: GPUBuffer;
  /**
   * [rows] × 8 words: f32 temperature (0: argmax, ties to the lower id), f32 topP, u32 topK (0: all), u32 seed,
   * u32 position (the draw is a function of seed and position alone), u32 slot, and two unused.
   */
  readonly settings: GPUBuffer;
  /** u32 [slots]: written at each row's slot. */
  readonly lastTokens: GPUBuffer;
  /** u32 [rows]: the same ids in the order of the rows, to be read back. */
  readonly output: GPUBuffer;
  readonly rows: number;
}

export interface Kernel<Args> {
  readonly variant: string;
  encode(pass: GPUComputePassEncoder, args: Args): void;
  destroy(): void;
}
