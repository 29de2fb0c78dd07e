/**
 * Launchers of an observation window's votes (SnapKV; H2O's sums over a prompt) and of their pooling.
 * The twins are evict-window.twin.ts and `poolVotes` (src/core/eviction/snapkv.ts).
 */
import { kvLayout, type KvFormat, type KvShape } from '../../core/kv/formats.ts';
import type { PoolKind } from '../../core/eviction/snapkv.ts';
import type { Gpu } from '../context.ts';
import { checkBytes, LaunchError, uniformWords } from './kernel.ts';
import { checkRing, kvRowConstants, ringBuffers, type RingArgs } from './prefill-constants.ts';

export interface WindowVotesConfig extends KvShape {
  readonly queryHeads: number;
  readonly format: KvFormat;
  readonly residualTokens?: number;
  readonly maxBatch: number;
  readonly maxContextTokens: number;
  /** Most queries of one sequence that vote. */
  readonly maxWindowQueries: number;
}

export interface WindowVotesArgs extends RingArgs {
  /** f32 [totalTokens][queryHeads][headDim] */
  readonly query: GPUBuffer;
  readonly pool: GPUBuffer;
  readonly blockTable: GPUBuffer;
  /** u32 [batch + 1] */
  readonly queryStarts: GPUBuffer;
  /** u32 [batch][tableHeads], the queries included */
  readonly contextLengths: GPUBuffer;
  /** f32 [batch][kvHeads][scoreStride] */
  readonly votes: GPUBuffer;
  readonly batch: number;
  readonly totalTokens: number;
  readonly maxContextTokens: number;
  readonly tableStride: number;
  readonly tableHeads?: number;
  readonly scoreStride: number;
  /** So many last queries of each sequence vote; those that the step has, where it has fewer. */
  readonly windowQueries: number;
  /** `group-mean` is SnapKV's over the heads of a query group; `group-sum` is H2O's. */
  readonly weight: 'group-mean' | 'group-sum';
  /** Adds to the votes of tokens from before this step. */
  readonly accumulate?: boolean;
  /** Multiply-adds of one dispatch; the work is cut into as many as that takes. */
  readonly maxDispatchMacs?: number;
}

export interface WindowVotes {
  readonly workspaceBytes: number;
  /** @throws LaunchError where a buffer is too small or a size beyond the config. */
  encode(pass: GPUComputePassEncoder, args: WindowVotesArgs): void;
  destroy(): void;
}

const KERNEL = 'evict_window';
const CHUNK_TOKENS = 64;

export async function createWindowVotes(gpu: Gpu, config: WindowVotesConfig): Promise<WindowVotes> {
  const { queryHeads, kvHeads, headDim, residualTokens } = config;
  const layout = kvLayout(config.format, config);
  checkRing(KERNEL, layout, residualTokens);
  const group = queryHeads / kvHeads;
  const lanes = gpu.isFallback ? 4 : 32;
  const constants = {
    ...kvRowConstants(layout, residualTokens),
    GROUP: group,
    LANES: lanes,
    CHUNK: CHUNK_TOKENS,
  };
  const [statsPipeline, votesPipeline] = await Promise.all([
    gpu.pipelines.get({ kernel: KERNEL, constants: { ...constants, PHASE: 'stats' } }),
    gpu.pipelines.get({ kernel: KERNEL, constants: { ...constants, PHASE: 'votes' } }),
  ]);
  const maxChunks = Math.ceil(config.maxContextTokens / CHUNK_TOKENS);
  const workspaceBytes = config.maxBatch * queryHeads * config.maxWindowQueries * maxChunks * 8;
  const stats = await gpu.buffers.tryCreate('WindowVotes.stats', workspaceBytes, GPUBufferUsage.STORAGE);

  return {
    workspaceBytes,
    destroy: () => gpu.buffers.destroy(stats),
    encode(pass, args) {
      const { batch, query, pool, blockTable, queryStarts, contextLengths, votes, windowQueries } = args;
      if (batch === 0 || args.maxContextTokens === 0 || windowQueries === 0) return;
      check(args, config);
      const chunks = Math.ceil(args.maxContextTokens / CHUNK_TOKENS);
      const tiles = Math.ceil((windowQueries * group) / (lanes * 4));
      const chunkMacs = batch * queryHeads * windowQueries * CHUNK_TOKENS * headDim;
      const perDispatch = Math.min(
        chunks,
        Math.max(1, Math.floor((args.maxDispatchMacs ?? Infinity) / chunkMacs)),
      );
      const ring = ringBuffers(KERNEL, layout, args);
      const shared = [query, pool, blockTable, queryStarts, contextLengths, stats];
      const padded = [...ring, ...(ring.length > 0 ? [] : [null, null])];
      for (const phase of ['stats', 'votes'] as const) {
        const pipeline = phase === 'stats' ? statsPipeline : votesPipeline;
        pass.setPipeline(pipeline);
        for (let first = 0; first < chunks; first += perDispatch) {
          const count = Math.min(perDispatch, chunks - first);
          const params = gpu.bindings.uniform(paramsOf(args, chunks, first, config));
          const buffers = [params, ...shared, ...padded, ...(phase === 'votes' ? [votes] : [])];
          pass.setBindGroup(0, gpu.bindings.group(pipeline, buffers));
          pass.dispatchWorkgroups(phase === 'stats' ? count * tiles : count, kvHeads, batch);
        }
      }
    },
  };
}

function paramsOf(
  args: WindowVotesArgs,
  chunks: number,
  first: number,
  config: WindowVotesConfig,
): Uint32Array {
  const words = uniformWords([
    args.tableStride,
    args.tableHeads ?? 1,
    args.windowQueries,
    chunks,
    first,
    args.scoreStride,
    args.accumulate ? 1 : 0,
    0,
    0,
  ]);
  const floats = new Float32Array(words.buffer);
  floats[7] = Math.LOG2E / Math.sqrt(config.headDim);
  floats[8] = args.weight === 'group-mean' ? config.kvHeads / config.queryHeads : 1;
  return words;
}

function check(args: WindowVotesArgs, config: WindowVotesConfig): void {
  const {
    batch,
    maxContextTokens,
    tableStride,
    tableHeads = 1,
    scoreStride,
    windowQueries,
    totalTokens,
  } = args;
  const limits: [string, number, number][] = [
    ['batch', batch, config.maxBatch],
    ['maxContextTokens', maxContextTokens, config.maxContextTokens],
    ['windowQueries', windowQueries, config.maxWindowQueries],
    ['maxContextTokens', maxContextTokens, scoreStride],
    ['maxContextTokens', maxContextTokens, tableStride * config.blockSize],
  ];
  for (const [name, value, most] of limits) {
    if (value > most) throw new LaunchError(KERNEL, `${name} is ${value}; at most ${most} was prepared.`);
  }
  checkBytes(KERNEL, 'query', args.query, totalTokens * config.queryHeads * config.headDim * 4);
  checkBytes(KERNEL, 'blockTable', args.blockTable, batch * tableHeads * tableStride * 4);
  checkBytes(KERNEL, 'queryStarts', args.queryStarts, (batch + 1) * 4);
  checkBytes(KERNEL, 'contextLengths', args.contextLengths, batch * tableHeads * 4);
  checkBytes(KERNEL, 'votes', args.votes, batch * config.kvHeads * scoreStride * 4);
}

export interface VotePoolingArgs {
  /** f32 [rows][scoreStride] */
  readonly votes: GPUBuffer;
  /** u32 [rows / rowsPerLength] */
  readonly contextLengths: GPUBuffer;
  /** f32 [rows][scoreStride]; only the tokens before the window are written. */
  readonly pooled: GPUBuffer;
  readonly rows: number;
  readonly rowsPerLength: number;
  readonly scoreStride: number;
  readonly maxContextTokens: number;
  readonly windowTokens: number;
  /** Width, odd. */
  readonly kernel: number;
}

export interface VotePooling {
  /** @throws LaunchError where a buffer is too small or the width is even. */
  encode(pass: GPUComputePassEncoder, args: VotePoolingArgs): void;
}

export async function createVotePooling(gpu: Gpu, kind: PoolKind): Promise<VotePooling> {
  const name = 'evict_pool';
  const pipeline = await gpu.pipelines.get({ kernel: name, constants: { KIND: kind } });
  return {
    encode(pass, args) {
      const { rows, rowsPerLength, scoreStride, windowTokens, kernel, maxContextTokens } = args;
      if (rows === 0 || maxContextTokens === 0) return;
      if (kernel % 2 !== 1)
        throw new LaunchError(name, `the pooling width is ${kernel}; an odd one is needed.`);
      checkBytes(name, 'votes', args.votes, rows * scoreStride * 4);
      checkBytes(name, 'pooled', args.pooled, rows * scoreStride * 4);
      checkBytes(name, 'contextLengths', args.contextLengths, Math.ceil(rows / rowsPerLength) * 4);
      const params = gpu.bindings.uniform(
        uniformWords([rowsPerLength, scoreStride, windowTokens, (kernel - 1) / 2]),
      );
      pass.setPipeline(pipeline);
      const buffers = [params, args.votes, args.contextLengths, args.pooled];
      pass.setBindGroup(0, gpu.bindings.group(pipeline, buffers));
      pass.dispatchWorkgroups(Math.ceil(maxContextTokens / 64), rows);
    },
  };
}
