/**
 * Launcher of attention scores for eviction: what decode attention emits becomes H2O's running sum or TOVA's score of
 * the newest query. The twin is evict-attention.twin.ts.
 */
import type { Gpu } from '../context.ts';
import { checkBytes, LaunchError, uniformWords } from './kernel.ts';

export interface AttentionScoreArgs {
  /** f32 [batch][queryHeads][probabilityStride]: decode attention's `scores`. */
  readonly probabilities: GPUBuffer;
  /** u32 [batch][lengthHeads] */
  readonly contextLengths: GPUBuffer;
  /** f32 [batch][scoreHeads][scoreStride] */
  readonly scores: GPUBuffer;
  readonly batch: number;
  readonly queryHeads: number;
  /** 1: one score for all heads; kvHeads: one for each query group. */
  readonly scoreHeads: number;
  readonly maxContextTokens: number;
  readonly probabilityStride: number;
  readonly scoreStride: number;
  readonly lengthHeads?: number;
  /** H2O sums over queries; TOVA forgets all but the newest. */
  readonly mode: 'sum' | 'newest';
  /** Tokens appended since the last call, whose sums begin at 0; 1 unless told. */
  readonly freshTokens?: number;
}

export interface AttentionScores {
  /** @throws LaunchError where a buffer or a row is too small. */
  encode(pass: GPUComputePassEncoder, args: AttentionScoreArgs): void;
}

const KERNEL = 'evict_attention';
/** With so many fresh tokens, all are. */
export const ALL_FRESH = 0x7fffffff;

export async function createAttentionScores(gpu: Gpu): Promise<AttentionScores> {
  const pipeline = await gpu.pipelines.get({ kernel: KERNEL });
  return {
    encode(pass, args) {
      const { batch, scoreHeads, maxContextTokens, probabilities, contextLengths, scores } = args;
      if (batch === 0 || maxContextTokens === 0) return;
      check(args);
      pass.setPipeline(pipeline);
      const buffers = [gpu.bindings.uniform(paramsOf(args)), probabilities, contextLengths, scores];
      pass.setBindGroup(0, gpu.bindings.group(pipeline, buffers));
      pass.dispatchWorkgroups(Math.ceil(maxContextTokens / 64), batch * scoreHeads);
    },
  };
}

function paramsOf(args: AttentionScoreArgs): Uint32Array {
  const { queryHeads, scoreHeads, mode, freshTokens = 1, lengthHeads = 1 } = args;
  const words = uniformWords([
    queryHeads,
    scoreHeads,
    lengthHeads,
    args.probabilityStride,
    args.scoreStride,
    mode === 'newest' ? ALL_FRESH : freshTokens,
    0,
  ]);
  new Float32Array(words.buffer)[6] = mode === 'newest' ? scoreHeads / queryHeads : 1;
  return words;
}

function check(args: AttentionScoreArgs): void {
  const { batch, queryHeads, scoreHeads, maxContextTokens, probabilityStride, scoreStride } = args;
  const { lengthHeads = 1 } = args;
  if (queryHeads % scoreHeads !== 0) {
    throw new LaunchError(KERNEL, `${queryHeads} query heads are no multiple of ${scoreHeads} score heads.`);
  }
  if (lengthHeads !== 1 && lengthHeads !== scoreHeads) {
    throw new LaunchError(KERNEL, `lengthHeads is ${lengthHeads}; 1 or ${scoreHeads} is needed.`);
  }
  const stride = Math.min(probabilityStride, scoreStride);
  if (maxContextTokens > stride) {
    throw new LaunchError(KERNEL, `${maxContextTokens} tokens do not fit rows of ${stride} scores.`);
  }
  checkBytes(KERNEL, 'probabilities', args.probabilities, batch * queryHeads * probabilityStride * 4);
  checkBytes(KERNEL, 'contextLengths', args.contextLengths, batch * lengthHeads * 4);
  checkBytes(KERNEL, 'scores', args.scores, batch * scoreHeads * scoreStride * 4);
}
