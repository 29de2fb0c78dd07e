/**
 * Launcher of linear layers: W·x for few or many tokens, with the norm before it and bias, activation, gate and residual
 * after it. Kernels: shaders/linear_rows.wgsl and, for many tokens on a GPU, linear_tiles.wgsl. The twin is
 * linear.twin.ts; what can be tuned is in linear-tuning.ts.
 */
import type { Gpu } from '../context.ts';
import type { ShaderConstants } from '../shader.ts';
import { checkArgs, checkConfig } from './linear-check.ts';
import type { Linear, LinearArgs, LinearConfig, LinearEpilogue } from './linear-config.ts';
import { LaunchError, uniformWords } from './kernel.ts';
import {
  defaultRowsTunings,
  defaultTiledFrom,
  GPU_LOADS,
  planLoads,
  type LinearTier,
  type LoadPlan,
  type RowsTuning,
} from './linear-tuning.ts';

const KERNEL = 'linear';

export interface LinearOptions {
  /** Tiles to choose from, ascending in tokens; left out: the defaults of the adapter. */
  readonly rowsTunings?: readonly RowsTuning[];
  /** From so many tokens on linear_tiles.wgsl; left out: the default of the adapter. */
  readonly tiledFrom?: number;
}

/** A compiled kernel and what one of its workgroups owns. */
interface Tile {
  readonly name: string;
  /** Tokens and outputs of a workgroup. */
  readonly tokens: number;
  readonly outputs: number;
  readonly loads: LoadPlan;
  readonly pipeline: GPUComputePipeline;
}

/** @throws LaunchError where the shape or the device does not allow the layer. */
export async function createLinear(
  gpu: Gpu,
  config: LinearConfig,
  options: LinearOptions = {},
): Promise<Linear> {
  checkConfig(config);
  const tier = chooseTier(gpu, config);
  const { rowsTunings = defaultRowsTunings(gpu, tier, config.format), tiledFrom = defaultTiledFrom(gpu) } =
    options;
  const most = Math.min(config.maxTokens, tiledFrom - 1);
  // Tiles for more tokens than a call may have are not compiled.
  const useful = rowsTunings.filter((_, i) => i === 0 || (rowsTunings[i - 1]?.tokens ?? 0) < most);
  const [tiled, ...rows] = await Promise.all([
    config.maxTokens >= tiledFrom ? makeTiled(gpu, config) : null,
    ...useful.map((tuning) => makeRows(gpu, config, tier, tuning)),
  ]);
  const tileOf = (tokens: number): Tile | undefined =>
    tiled && tokens >= tiledFrom ? tiled : (rows.find((tile) => tile.tokens >= tokens) ?? rows.at(-1));
  return {
    variant: `linear-${tier}-${[...rows, ...(tiled ? [tiled] : [])].map(({ name }) => name).join(',')}`,
    workspaceBytes: 0,
    encode(pass, args) {
      if (args.tokens === 0) return;
      checkArgs(config, args);
      const tile = tileOf(args.tokens);
      if (tile) encodeTile(gpu, config, tile, pass, args);
    },
    destroy: () => undefined,
  };
}

function chooseTier(gpu: Gpu, { tier }: LinearConfig): LinearTier {
  if (tier === 'subgroups' && !gpu.features.subgroups) {
    throw new LaunchError(KERNEL, 'the tier is subgroups, which this device does not have; choose auto.');
  }
  if (tier !== 'auto') return tier;
  return gpu.features.subgroups ? 'subgroups' : 'no-subgroups';
}

const VECTORS: Readonly<Record<number, string>> = { 1: 'f32', 2: 'vec2<f32>', 4: 'vec4<f32>' };
const WORDS: Readonly<Record<number, string>> = { 1: 'u32', 2: 'vec2<u32>', 4: 'vec4<u32>' };

/** Outputs of a team: where gated each needs two rows. Joined as a whole, every lane gets one of the tile's values. */
function outputsOf({ epilogue }: LinearConfig, { rows, tokens, lanes }: RowsTuning, join: Join): number {
  const outputs = epilogueOf(epilogue).gated ? rows / 2 : rows;
  return join === 'whole' ? Math.max(outputs, lanes / tokens) : outputs;
}

type Join = 'whole' | 'halves' | 'shared';

/** How the lanes of a team join their sums; see shaders/linear_rows.wgsl. */
function joinOf(gpu: Gpu, tier: LinearTier, { lanes, teams }: RowsTuning): Join {
  if (tier === 'no-subgroups') return 'shared';
  const { subgroupMinSize, subgroupMaxSize } = gpu.features;
  return teams === 1 && lanes === subgroupMinSize && lanes === subgroupMaxSize ? 'whole' : 'halves';
}

async function makeRows(gpu: Gpu, config: LinearConfig, tier: LinearTier, tuning: RowsTuning): Promise<Tile> {
  const { lanes, teams, tokens } = tuning;
  const loads = planLoads(config.format, config.columns, tuning.load);
  const join = joinOf(gpu, tier, tuning);
  const outputs = outputsOf(config, tuning, join);
  const constants = {
    ...layerConstants(config),
    JOIN: join,
    LANES: lanes,
    TEAMS: teams,
    TOKENS: tokens,
    OUT: outputs,
    HALVES: epilogueOf(config.epilogue).gated ? 2 : 1,
    LOAD: loads.load,
    WIDTH: loads.width,
    PARTS: loads.parts,
    CHUNKS_PER_SCALE: loads.chunksPerScale,
    VECTOR: VECTORS[loads.width] ?? '',
    WORDS: WORDS[loads.load] ?? '',
    TAIL: loads.chunks % lanes !== 0 || loads.chunks * loads.parts * loads.width !== config.columns,
  };
  const pipeline = await gpu.pipelines.get({ kernel: 'linear_rows', constants });
  return { name: `${tuning.rows}x${tokens}`, tokens, outputs: outputs * teams, loads, pipeline };
}

/** shaders/linear_tiles.wgsl: a load holds four columns, or eight of int4. */
async function makeTiled(gpu: Gpu, config: LinearConfig): Promise<Tile> {
  const loads = planLoads(config.format, config.columns, GPU_LOADS[config.format]);
  const constants = {
    ...layerConstants(config),
    WORDS: WORDS[loads.load] ?? '',
    QUADS_PER_WORD: loads.parts,
  };
  const pipeline = await gpu.pipelines.get({ kernel: 'linear_tiles', constants });
  const outputs = epilogueOf(config.epilogue).gated ? 32 : 64;
  return { name: '64x64', tokens: 64, outputs, loads, pipeline };
}

function encodeTile(
  gpu: Gpu,
  config: LinearConfig,
  tile: Tile,
  pass: GPUComputePassEncoder,
  args: LinearArgs,
): void {
  const { loads, pipeline } = tile;
  const outputs = epilogueOf(config.epilogue).gated ? config.rows / 2 : config.rows;
  const x = Math.ceil(outputs / tile.outputs);
  const y = Math.ceil(args.tokens / tile.tokens);
  const most = gpu.limits.maxComputeWorkgroupsPerDimension;
  if (x > most || y > most) {
    throw new LaunchError(
      KERNEL,
      `${outputs} outputs of ${args.tokens} tokens need ${x} × ${y} workgroups; the device allows ${most} a side.`,
    );
  }
  const words = uniformWords([
    ...[args.tokens, outputs, loads.chunks, config.columns / loads.width],
    ...[0, 0, args.inputRows ? 1 : 0],
  ]);
  new Float32Array(words.buffer).set([1 / config.columns, config.epsilon], 4);
  pass.setPipeline(pipeline);
  pass.setBindGroup(
    0,
    gpu.bindings.group(pipeline, [gpu.bindings.uniform(words), ...buffersOf(config, args)]),
  );
  pass.dispatchWorkgroups(x, y);
}

/** Bindings from 1 on, the same in every kernel of linear layers. */
function buffersOf(config: LinearConfig, args: LinearArgs): (GPUBuffer | null)[] {
  const { input, weight, output } = args;
  return [
    input,
    weight.codes,
    output,
    // Not read without a gather.
    args.inputRows ?? input,
    isScaled(config) ? weight.scales : null,
    config.hasBias ? weight.bias : null,
    config.epilogue === 'add' ? (args.residual ?? null) : null,
    config.norm === 'none' ? null : (args.normWeight ?? null),
    config.norm === 'layer' ? (args.normBias ?? null) : null,
  ];
}

function isScaled({ format }: LinearConfig): boolean {
  return format === 'int8' || format === 'int4';
}

/** An epilogue in its parts. */
export function epilogueOf(epilogue: LinearEpilogue): {
  readonly activation: string;
  readonly gated: boolean;
  readonly add: boolean;
} {
  const gated = epilogue.endsWith('-gated');
  const hasNone = epilogue === 'store' || epilogue === 'add';
  return {
    activation: hasNone ? 'none' : gated ? epilogue.slice(0, -'-gated'.length) : epilogue,
    gated,
    add: epilogue === 'add',
  };
}

/** What the kernels' templates share. */
function layerConstants(config: LinearConfig): ShaderConstants {
  const { activation, gated, add } = epilogueOf(config.epilogue);
  return {
    FORMAT: config.format,
    SCALED: isScaled(config),
    NORM: config.norm,
    ACTIVATION: activation,
    GATED: gated,
    ADD: add,
    BIAS: config.hasBias,
  };
}
