/**
 * Launcher of compaction: the moves that the top-k kernel wrote (or the host uploaded, in the same shape) are carried
 * out inside the pool, and, where there are any, in the scores beside it. The twin is compact.twin.ts.
 */
import { kvLayout, type KvFormat, type KvShape, type RegionLayout } from '../../core/kv/formats.ts';
import type { Gpu } from '../context.ts';
import { checkBytes, LaunchError, uniformWords } from './kernel.ts';
import { kvRowConstants } from './prefill-constants.ts';

export interface CompactConfig extends KvShape {
  readonly format: KvFormat;
}

export interface CompactArgs {
  readonly pool: GPUBuffer;
  /** u32 [batch][tableHeads][tableStride] */
  readonly blockTable: GPUBuffer;
  /** u32 [batch][moveHeads][moveStride][2]: (from, to), token positions of the sequence. */
  readonly moves: GPUBuffer;
  /** u32 [batch][moveHeads][2]: entries kept; moves. */
  readonly counts: GPUBuffer;
  readonly batch: number;
  /** 1: all heads of a sequence move alike; kvHeads: each has its own list. */
  readonly moveHeads: number;
  readonly moveStride: number;
  readonly tableStride: number;
  readonly tableHeads?: number;
  /** Most moves of any row; the stride where unknown. */
  readonly maxMoves?: number;
  /** f32 [batch][moveHeads][scoreStride], moved alike. */
  readonly scores?: GPUBuffer;
  readonly scoreStride?: number;
}

export interface Compaction {
  /** @throws LaunchError where a buffer is too small. */
  encode(pass: GPUComputePassEncoder, args: CompactArgs): void;
}

const KERNEL = 'compact';
const MOVES_PER_GROUP = 4;

/** @throws LaunchError for int2, whose keys share a scale over several tokens. */
export async function createCompaction(gpu: Gpu, config: CompactConfig): Promise<Compaction> {
  const layout = kvLayout(config.format, config);
  if (layout.k.params === 'channel' || layout.v.params === 'channel') {
    throw new LaunchError(
      KERNEL,
      `${config.format} keys share a scale over ${layout.k.group} tokens, so single tokens cannot move; ` +
        'drop whole blocks from the table instead, or choose another KV format.',
    );
  }
  const constants = {
    ...kvRowConstants(layout),
    MOVES_PER_GROUP,
    K_SLOT_PARAMS: slotParams(layout.k, config.headDim),
    V_SLOT_PARAMS: slotParams(layout.v, config.headDim),
  };
  const [rows, scores] = await Promise.all([
    gpu.pipelines.get({ kernel: KERNEL, constants }),
    gpu.pipelines.get({ kernel: 'compact_scores' }),
  ]);
  return {
    encode(pass, args) {
      const { batch, moveHeads, moveStride, tableStride, tableHeads = 1, maxMoves = moveStride } = args;
      if (batch === 0 || maxMoves === 0) return;
      check(args, config.kvHeads);
      const params = gpu.bindings.uniform(uniformWords([tableStride, tableHeads, moveStride, moveHeads]));
      pass.setPipeline(rows);
      const buffers = [params, args.pool, args.blockTable, args.moves, args.counts];
      pass.setBindGroup(0, gpu.bindings.group(rows, buffers));
      pass.dispatchWorkgroups(Math.ceil(maxMoves / MOVES_PER_GROUP), config.kvHeads, batch);
      if (args.scores) encodeScores(gpu, pass, scores, args, args.scores, maxMoves);
    },
  };
}

function encodeScores(
  gpu: Gpu,
  pass: GPUComputePassEncoder,
  pipeline: GPUComputePipeline,
  args: CompactArgs,
  scores: GPUBuffer,
  maxMoves: number,
): void {
  const { batch, moveHeads, moveStride, scoreStride = 0, moves, counts } = args;
  const rows = batch * moveHeads;
  checkBytes(KERNEL, 'scores', scores, rows * scoreStride * 4);
  const params = gpu.bindings.uniform(uniformWords([rows, scoreStride, moveStride]));
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, gpu.bindings.group(pipeline, [params, scores, moves, counts]));
  pass.dispatchWorkgroups(Math.ceil(maxMoves / 64), rows);
}

/** Parameter words that belong to one slot alone. */
function slotParams({ params, group }: RegionLayout, headDim: number): number {
  if (params === 'row') return 1;
  return params === 'row-group' ? headDim / group : 0;
}

function check(args: CompactArgs, kvHeads: number): void {
  const { batch, moveHeads, moveStride, tableStride, tableHeads = 1 } = args;
  if (moveHeads !== 1 && moveHeads !== kvHeads) {
    throw new LaunchError(KERNEL, `moveHeads is ${moveHeads}; 1 or ${kvHeads} is needed.`);
  }
  checkBytes(KERNEL, 'blockTable', args.blockTable, batch * tableHeads * tableStride * 4);
  checkBytes(KERNEL, 'moves', args.moves, batch * moveHeads * moveStride * 8);
  checkBytes(KERNEL, 'counts', args.counts, batch * moveHeads * 8);
}
