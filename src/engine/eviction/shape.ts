/** What the kernels of an eviction policy are made for. The laboratory fills it from a scenario, the engine from its settings. */
import type { EvictionPolicyName } from '../../core/scenario/schema.ts';
import type { KvFormat } from '../../core/kv/formats.ts';

export interface EvictionShape {
  readonly policy: EvictionPolicyName;
  /** Tokens that a sequence keeps. */
  readonly budgetTokens: number;
  readonly layers: number;
  readonly queryHeads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly blockSize: number;
  readonly format: KvFormat;
  readonly residualTokens: number;
  /** Rows of a launch. */
  readonly maxBatch: number;
  /** Places of one row of scores: the longest context, rounded up. */
  readonly scoreStride: number;
  /** Prompt tokens of one chunk. */
  readonly chunkTokens: number;
  readonly tableStride: number;
  readonly numBlocks: number;
}

/** One thing to encode, with its work in multiply-adds; 0 where it does not count. */
export interface Operation {
  readonly work: number;
  encode(pass: GPUComputePassEncoder): void;
}
