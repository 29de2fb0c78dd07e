/**
 * Launcher of the round trip: rows of keys or values become what a cache of another format would give back of them, in
 * place, before the append. So a pool of f32 stands for K and V of different formats, and for formats that no pool has.
 *
 * The twin is roundtrip.twin.ts. Nothing that serves runs this: it costs time and saves no byte.
 */
import type { Gpu } from '../context.ts';
import { checkBytes, LaunchError, uniformWords, workgroupGrid } from './kernel.ts';
import { hadamardBlock, tokenAxisGroup, type RoundtripConfig } from './roundtrip-config.ts';

export interface RoundtripArgs {
  /** f32 [rows][heads][headDim] */
  readonly rows: GPUBuffer;
  readonly numRows: number;
  /** token axis: u32 [count] rows to round. channel axis: u32 [count][2], first row and rows of each group. */
  readonly list: GPUBuffer;
  readonly count: number;
}

export interface Roundtrip {
  /** @throws LaunchError where a buffer is too small */
  encode(pass: GPUComputePassEncoder, args: RoundtripArgs): void;
}

const KERNEL = 'roundtrip';
const TURN = 'roundtrip_turn';
const THREADS = 64;
const LARGEST_CODES = { int8: 127, e4m3: 448, e5m2: 57344 } as const;

/** @throws LaunchError for bits or an outlier channel that there are not */
export async function createRoundtrip(gpu: Gpu, config: RoundtripConfig): Promise<Roundtrip> {
  check(config);
  const { heads, headDim, axis, rotated = false, outlier } = config;
  const [round, turns] = await Promise.all([
    gpu.pipelines.get({ kernel: KERNEL, constants: constantsOf(config) }),
    rotated || outlier ? turnPipelines(gpu, config) : null,
  ]);
  const group = tokenAxisGroup(config.rounding, headDim);
  const lanesPerItem = axis === 'token' ? (heads * headDim) / group : heads * headDim;
  return {
    encode(pass, { rows, numRows, list, count }) {
      if (count === 0) return;
      checkBytes(KERNEL, 'rows', rows, numRows * heads * headDim * 4);
      checkBytes(KERNEL, 'list', list, count * (axis === 'token' ? 4 : 8));
      const turn = (pipeline: GPUComputePipeline): void => {
        const [x, y] = workgroupGrid(TURN, gpu, Math.ceil((numRows * heads) / THREADS));
        pass.setPipeline(pipeline);
        pass.setBindGroup(
          0,
          gpu.bindings.group(pipeline, [gpu.bindings.uniform(uniformWords([numRows])), rows]),
        );
        pass.dispatchWorkgroups(x, y);
      };
      if (turns) turn(turns.forward);
      const [x, y] = workgroupGrid(KERNEL, gpu, Math.ceil((count * lanesPerItem) / THREADS));
      pass.setPipeline(round);
      pass.setBindGroup(
        0,
        gpu.bindings.group(round, [gpu.bindings.uniform(uniformWords([count])), list, rows]),
      );
      pass.dispatchWorkgroups(x, y);
      if (turns) turn(turns.back);
    },
  };
}

function check({ headDim, rounding, outlier }: RoundtripConfig): void {
  if (rounding.kind === 'asymmetric' && !(rounding.bits >= 1 && rounding.bits <= 8)) {
    throw new LaunchError(KERNEL, `${rounding.bits} bits cannot be rounded to; 1 to 8 can.`);
  }
  if (outlier && !(outlier.channel >= 0 && outlier.channel < headDim && outlier.gain > 0)) {
    throw new LaunchError(
      KERNEL,
      `channel ${outlier.channel} with gain ${outlier.gain} is no outlier of ${headDim} channels; name one of them and a gain above 0.`,
    );
  }
}

function constantsOf({ heads, headDim, rounding, axis }: RoundtripConfig) {
  const { kind } = rounding;
  const symmetric = kind === 'int8' || kind === 'e4m3' || kind === 'e5m2';
  return {
    AXIS: axis,
    KIND: kind,
    SYMMETRIC: symmetric,
    HEADS: heads,
    D: headDim,
    GROUP: tokenAxisGroup(rounding, headDim),
    LEVELS: kind === 'asymmetric' ? 2 ** rounding.bits - 1 : 0,
    LARGEST_CODE: symmetric ? LARGEST_CODES[kind] : 0,
    THREADS,
  };
}

async function turnPipelines(
  gpu: Gpu,
  { heads, headDim, rotated = false, outlier }: RoundtripConfig,
): Promise<{ forward: GPUComputePipeline; back: GPUComputePipeline }> {
  const block = rotated ? hadamardBlock(headDim) : 1;
  const constants = { HEADS: heads, D: headDim, OUTLIER: outlier?.channel ?? 0, HADAMARD: block };
  // An override that the shader does not use may not be given.
  const overrides = { GAIN: outlier?.gain ?? 1, ...(block > 1 && { NORM: 1 / Math.sqrt(block) }) };
  const [forward, back] = await Promise.all(
    [false, true].map((isBack) =>
      gpu.pipelines.get({ kernel: TURN, constants: { ...constants, BACK: isBack }, overrides }),
    ),
  );
  if (!forward || !back) throw new LaunchError(TURN, 'was not compiled.');
  return { forward, back };
}
