/** What decode attention is made from and called with: shapes, layout and buffers. Its launcher is decode.ts. */
import type { KvFormat } from '../../core/kv/formats.ts';
import type { DecodeTier, DecodeTuning } from './tuning.ts';

export interface PagedDecodeConfig {
  readonly headDim: number;
  readonly queryHeads: number;
  readonly kvHeads: number;
  readonly blockSize: number;
  readonly format: KvFormat;
  /** contiguous: no table; sequence b owns the blocks from b·tableStride on. */
  readonly layout: 'paged' | 'contiguous';
  readonly tier: 'auto' | DecodeTier;
  readonly tuning?: DecodeTuning;
  /** Also write softmax probabilities by token. */
  readonly emitScores?: boolean;
  /** Allows windowTokens and sinkTokens in `encode`. */
  readonly windowed?: boolean;
  /** Tokens of the f16 ring; needed for int2, a multiple of its token group. */
  readonly residualTokens?: number;
  readonly maxBatch: number;
  /** Longest context that `encode` will be told of; sizes the workspace. */
  readonly maxContextTokens: number;
}

export interface PagedDecodeArgs {
  /** f32 [batch][queryHeads][headDim] */
  readonly query: GPUBuffer;
  readonly pool: GPUBuffer;
  /** int2: f16 pairs [residualSlots][2 (K, V)][kvHeads][residualTokens][headDim / 2] */
  readonly residual?: GPUBuffer;
  /** int2: u32 [batch] */
  readonly residualSlots?: GPUBuffer;
  /** u32 [batch][tableHeads][tableStride]; not for the contiguous layout. */
  readonly blockTable?: GPUBuffer;
  /** u32 [batch][tableHeads]: tokens visible, the newest included; 0 gives zeros. */
  readonly contextLengths: GPUBuffer;
  /** f32 [batch][queryHeads][headDim] */
  readonly output: GPUBuffer;
  readonly batch: number;
  /** An upper bound of contextLengths: decides the splits. */
  readonly maxContextTokens: number;
  readonly tableStride: number;
  /** 1 (default), or kvHeads where each head has a table and a length of its own. */
  readonly tableHeads?: number;
  /** 0: everything is visible. Else token t of n is visible if t < sinkTokens or t ≥ n − windowTokens. */
  readonly windowTokens?: number;
  readonly sinkTokens?: number;
  /** f32 [batch][queryHeads][maxContextTokens of this call]; with emitScores. */
  readonly scores?: GPUBuffer;
}
