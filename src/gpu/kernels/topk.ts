/**
 * Launcher of the selection kernel: of each row of scores the `budget` highest, ties to the lower index, and the moves
 * that bring them together. The twins are `keepBest` (src/core/eviction/select.ts) and `compactionMoves` (moves.ts).
 */
import type { ProtectedTokens } from '../../core/eviction/policy.ts';
import type { Gpu } from '../context.ts';
import { checkBytes, LaunchError, uniformWords, workgroupGrid } from './kernel.ts';

export interface TopKConfig {
  /** Whether the moves for a compaction are written as well. */
  readonly moves: boolean;
}

export interface TopKArgs {
  /** f32 [rows][scoreStride] */
  readonly scores: GPUBuffer;
  /** u32 [rows / rowsPerLength]: tokens of each row. */
  readonly lengths: GPUBuffer;
  /** u32 [rows][keptStride]: the kept indices of each row, ascending. */
  readonly kept: GPUBuffer;
  /** u32 [rows][2]: kept entries; moves. */
  readonly counts: GPUBuffer;
  /** u32 [rows][keptStride][2]: (from, to); only where the config asks for moves. */
  readonly moves?: GPUBuffer;
  readonly rows: number;
  readonly scoreStride: number;
  /** At least `budget`. */
  readonly keptStride: number;
  /** Entries that a row keeps. */
  readonly budget: number;
  /** Kept whatever their score, in entries. */
  readonly protect?: ProtectedTokens;
  /** Rows that share one length: 1, or the heads of a sequence. */
  readonly rowsPerLength?: number;
  /** Tokens behind one score: 1, or the block size where blocks are ranked. */
  readonly entryTokens?: number;
}

export interface TopK {
  /** @throws LaunchError where a buffer is too small. */
  encode(pass: GPUComputePassEncoder, args: TopKArgs): void;
}

const KERNEL = 'topk';

export async function createTopK(gpu: Gpu, config: TopKConfig): Promise<TopK> {
  // A CPU adapter pays for every barrier of every subgroup; a GPU wants threads to hide its latency.
  const threads = gpu.isFallback ? 64 : Math.min(256, gpu.limits.maxComputeInvocationsPerWorkgroup);
  const constants = { THREADS: threads, MOVES: config.moves };
  const pipeline = await gpu.pipelines.get({ kernel: KERNEL, constants });
  return {
    encode(pass, args) {
      const { rows, scoreStride, keptStride, budget, rowsPerLength = 1, entryTokens = 1 } = args;
      const { first, last } = args.protect ?? { first: 0, last: 0 };
      if (rows === 0) return;
      if (budget > keptStride) {
        throw new LaunchError(
          KERNEL,
          `a budget of ${budget} does not fit rows of ${keptStride} kept indices.`,
        );
      }
      checkBytes(KERNEL, 'scores', args.scores, rows * scoreStride * 4);
      checkBytes(KERNEL, 'lengths', args.lengths, Math.ceil(rows / rowsPerLength) * 4);
      checkBytes(KERNEL, 'kept', args.kept, rows * keptStride * 4);
      checkBytes(KERNEL, 'counts', args.counts, rows * 8);
      const moves = config.moves ? [movesOf(args)] : [];
      const params = gpu.bindings.uniform(
        uniformWords([rowsPerLength, entryTokens, scoreStride, keptStride, budget, first, last]),
      );
      const buffers = [params, args.scores, args.lengths, args.kept, args.counts, ...moves];
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, gpu.bindings.group(pipeline, buffers));
      // One workgroup a row and no row beyond: the grid must not be rounded up.
      const [x, y] = workgroupGrid(KERNEL, gpu, rows);
      if (y !== 1) throw new LaunchError(KERNEL, `${rows} rows exceed the ${x} workgroups of one dispatch.`);
      pass.dispatchWorkgroups(x);
    },
  };
}

function movesOf({ moves, rows, keptStride }: TopKArgs): GPUBuffer {
  if (!moves) throw new LaunchError(KERNEL, 'this launcher writes moves and needs a buffer for them.');
  checkBytes(KERNEL, 'moves', moves, rows * keptStride * 8);
  return moves;
}
