/**
 * Copies blocks inside one pool buffer, for copy-on-write and compaction, in two ways:
 *  - a kernel driven by a list of moves (one dispatch a wave, inside the caller's pass);
 *  - a bounce through a staging buffer (two buffer copies a move), which some adapters do faster.
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
  /** May chain (a → b, b → c); a ring needs `scratch`. */
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
  return {
    encode(pass, { pool, moves, scratch }) {
      const waves = wavesOf(pool, blockWords, moves, scratch);
      pass.setPipeline(pipeline);
      for (const wave of waves) {
        const list = moveList(gpu, wave);
        const [x, y] = workgroupGrid(KERNEL, gpu, wave.length * Math.ceil(blockUnits / chunk));
        const params = gpu.bindings.uniform(uniformWords([wave.length]));
        pass.setBindGroup(0, bindGroup(gpu, pipeline, [params, list, pool]));
        pass.dispatchWorkgroups(x, y);
      }
    },
  };
}

/** Not through the cache of gpu.bindings: a list of moves is used once. */
function bindGroup(gpu: Gpu, pipeline: GPUComputePipeline, buffers: readonly GPUBuffer[]): GPUBindGroup {
  return gpu.device.createBindGroup({
    label: 'BlockCopy.bindings',
    layout: pipeline.getBindGroupLayout(0),
    entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
}

/** A buffer with the wave's pairs, left to the garbage collector: a few bytes that nobody else can refer to. */
function moveList(gpu: Gpu, wave: readonly BlockMove[]): GPUBuffer {
  const words = Uint32Array.from(wave.flatMap(({ from, to }) => [from, to]));
  const usage = GPUBufferUsage.STORAGE;
  const buffer = gpu.device.createBuffer({
    label: 'BlockCopy.moves',
    size: Math.max(16, words.byteLength),
    usage,
    mappedAtCreation: true,
  });
  new Uint32Array(buffer.getMappedRange()).set(words);
  buffer.unmap();
  return buffer;
}

function wavesOf(
  pool: GPUBuffer,
  blockWords: number,
  moves: readonly BlockMove[],
  scratch: BlockMove['to'] | undefined,
): readonly (readonly BlockMove[])[] {
  const highest = moves.reduce((most, { from, to }) => Math.max(most, from, to), scratch ?? -1);
  checkBytes(KERNEL, 'pool', pool, (highest + 1) * blockWords * 4);
  const planned = planWaves(moves, scratch);
  if (planned.kind === 'cycle') {
    throw new LaunchError(
      KERNEL,
      `the moves of ${planned.blocks.length} blocks form a ring; pass a free scratch block.`,
    );
  }
  return planned.waves;
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
  const room = Math.floor(staging.size / bytes);
  for (const wave of wavesOf(pool, blockWords, moves, scratch)) {
    for (let first = 0; first < wave.length; first += room) {
      const part = wave.slice(first, first + room);
      part.forEach(({ from }, i) =>
        encoder.copyBufferToBuffer(pool, from * bytes, staging, i * bytes, bytes),
      );
      part.forEach(({ to }, i) => encoder.copyBufferToBuffer(staging, i * bytes, pool, to * bytes, bytes));
    }
  }
}
