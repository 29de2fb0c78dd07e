/**
 * Copies blocks inside one pool buffer, for copy-on-write and compaction, in two ways:
 *  - a kernel driven by a list of moves (one dispatch a wave, inside the caller's pass);
 *  - a bounce through a staging buffer (two buffer copies a move), ten times as fast on SwiftShader.
 * Both move words and know no format. The twin is block-copy.twin.ts.
 */
import { planWaves } from '../../core/kv/compaction.ts';
import type { BlockMove } from '../../core/kv/pool.ts';
import type { Gpu } from '../context.ts';
import { checkBytes, LaunchError, uniformWords, workgroupGrid } from './kernel.ts';

export interface BlockCopyConfig {
  /** Words of one block of the pool (`KvLayout.blockWords`). */
  readonly blockWords: number;
}

export interface BlockCopyArgs {
  readonly pool: GPUBuffer;
  /** May chain (a → b, b → c); a ring needs `scratch`. Known by identity: new moves come in a new array. */
  readonly moves: readonly BlockMove[];
  /** A free block to break rings of moves with. */
  readonly scratch?: BlockMove['to'];
}

export interface BlockCopy {
  /** @throws LaunchError where a block is outside the pool or the moves form a ring without scratch. */
  encode(pass: GPUComputePassEncoder, args: BlockCopyArgs): void;
}

const KERNEL = 'block-copy';
const THREADS = 64;
/** Units that one lane copies: enough to hide latency, few enough that one block still fills several workgroups. */
const UNITS_PER_LANE = 4;

export async function createBlockCopy(gpu: Gpu, { blockWords }: BlockCopyConfig): Promise<BlockCopy> {
  const wide = blockWords % 4 === 0;
  const blockUnits = wide ? blockWords / 4 : blockWords;
  const chunk = THREADS * UNITS_PER_LANE;
  const pipeline = await gpu.pipelines.get({
    kernel: 'block_copy',
    constants: { UNIT: wide ? 'vec4<u32>' : 'u32', BLOCK_UNITS: blockUnits, CHUNK: chunk, THREADS },
  });
  const most = maxMoves(gpu, blockWords);
  // The layers of a model copy by the same list, one after the other.
  let last: { readonly moves: readonly BlockMove[]; readonly lists: readonly MoveList[] } | null = null;
  return {
    encode(pass, { pool, moves, scratch }) {
      checkBlocks(pool, blockWords, moves, scratch);
      if (last?.moves !== moves) {
        const lists = wavesOf(moves, scratch).flatMap((wave) =>
          slices(wave, most).map((part) => moveList(gpu, part)),
        );
        last = { moves, lists };
      }
      pass.setPipeline(pipeline);
      for (const { buffer, count } of last.lists) {
        const [x, y] = workgroupGrid(KERNEL, gpu, count * Math.ceil(blockUnits / chunk));
        const params = gpu.bindings.uniform(uniformWords([count]));
        pass.setBindGroup(0, bindGroup(gpu, pipeline, [params, buffer, pool]));
        pass.dispatchWorkgroups(x, y);
      }
    },
  };
}

interface MoveList {
  readonly buffer: GPUBuffer;
  readonly count: number;
}

/** Moves that one dispatch may take, so that it stays well below 100 ms: 8 MiB at 0.3 GB/s on a CPU adapter. */
function maxMoves(gpu: Gpu, blockWords: number): number {
  const bytes = (gpu.isFallback ? 8 : 512) * 1024 * 1024;
  return Math.max(1, Math.floor(bytes / (blockWords * 4)));
}

function slices<T>(items: readonly T[], most: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / most) }, (_, i) =>
    items.slice(i * most, (i + 1) * most),
  );
}

/** Not through the cache of gpu.bindings: a list of moves is used in one step only. */
function bindGroup(gpu: Gpu, pipeline: GPUComputePipeline, buffers: readonly GPUBuffer[]): GPUBindGroup {
  return gpu.device.createBindGroup({
    label: 'BlockCopy.bindings',
    layout: pipeline.getBindGroupLayout(0),
    entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
}

/** A buffer with the wave's pairs, left to the garbage collector: a few bytes that nobody else can refer to. */
function moveList(gpu: Gpu, moves: readonly BlockMove[]): MoveList {
  const words = Uint32Array.from(moves.flatMap(({ from, to }) => [from, to]));
  const buffer = gpu.device.createBuffer({
    label: 'BlockCopy.moves',
    size: Math.max(16, words.byteLength),
    usage: GPUBufferUsage.STORAGE,
    mappedAtCreation: true,
  });
  new Uint32Array(buffer.getMappedRange()).set(words);
  buffer.unmap();
  return { buffer, count: moves.length };
}

function checkBlocks(pool: GPUBuffer, blockWords: number, moves: readonly BlockMove[], scratch = -1): void {
  const highest = moves.reduce((most, { from, to }) => Math.max(most, from, to), scratch);
  checkBytes(KERNEL, 'pool', pool, (highest + 1) * blockWords * 4);
}

function wavesOf(
  moves: readonly BlockMove[],
  scratch: BlockMove['to'] | undefined,
): readonly (readonly BlockMove[])[] {
  const planned = planWaves(moves, scratch);
  if (planned.kind === 'ok') return planned.waves;
  throw new LaunchError(
    KERNEL,
    `the moves of ${planned.blocks.length} blocks form a ring; pass a free scratch block.`,
  );
}

/**
 * The same copy as buffer-to-buffer commands through `staging`, which holds as many blocks as fit; outside any pass.
 * @param staging COPY_SRC | COPY_DST, at least one block.
 */
export function encodeBounceCopy(
  encoder: GPUCommandEncoder,
  { pool, moves, scratch }: BlockCopyArgs,
  staging: GPUBuffer,
  { blockWords }: BlockCopyConfig,
): void {
  const bytes = blockWords * 4;
  checkBytes(KERNEL, 'staging', staging, bytes);
  checkBlocks(pool, blockWords, moves, scratch);
  const room = Math.floor(staging.size / bytes);
  for (const wave of wavesOf(moves, scratch)) {
    for (const part of slices(wave, room)) {
      part.forEach(({ from }, i) =>
        encoder.copyBufferToBuffer(pool, from * bytes, staging, i * bytes, bytes),
      );
      part.forEach(({ to }, i) => encoder.copyBufferToBuffer(staging, i * bytes, pool, to * bytes, bytes));
    }
  }
}
