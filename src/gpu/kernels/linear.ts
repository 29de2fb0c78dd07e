/**
 * Launcher of linear layers: W·x for few or many tokens, with the norm before it and bias, activation, gate and residual
 * after it. Kernel: shaders/linear_rows.wgsl. The twin is linear.twin.ts; what can be tuned is in linear-tuning.ts.
 */
import type { Gpu } from '../context.ts';
import type { ShaderConstants } from '../shader.ts';
import { checkArgs, checkConfig } from './linear-check.ts';
import type { Linear, LinearArgs, LinearConfig, LinearEpilogue } from './linear-config.ts';
import { LaunchError, uniformWords } from './kernel.ts';
import {
  defaultRowsTunings,
  planLoads,
  type LinearTier,
  type LoadPlan,
  type RowsTuning,
} from './linear-tuning.ts';

const KERNEL = 'linear';

export interface LinearOptions {
  /** Tiles to choose from, ascending in tokens; left out: the defaults of the adapter. */
  readonly rowsTunings?: readonly RowsTuning[];
}

interface Tile {
  readonly tuning: RowsTuning;
  readonly loads: LoadPlan;
  /** Of a team. */
  readonly outputs: number;
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
  const tunings = options.rowsTunings ?? defaultRowsTunings(gpu, tier, config.format);
  // Tiles for more tokens than a call may have are not compiled.
  const useful = tunings.filter((_, i) => i === 0 || (tunings[i - 1]?.tokens ?? 0) < config.maxTokens);
  const tiles = await Promise.all(useful.map((tuning) => makeTile(gpu, config, tier, tuning)));
  return {
    variant: `rows-${tier}-${tiles.map(({ tuning }) => `${tuning.rows}x${tuning.tokens}`).join(',')}`,
    workspaceBytes: 0,
    encode(pass, args) {
      if (args.tokens === 0) return;
      checkArgs(config, args);
      const tile = tiles.find(({ tuning }) => tuning.tokens >= args.tokens) ?? tiles.at(-1);
      if (tile) encodeRows(gpu, config, tile, pass, args);
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

async function makeTile(gpu: Gpu, config: LinearConfig, tier: LinearTier, tuning: RowsTuning): Promise<Tile> {
  const loads = planLoads(config.format, config.columns, tuning.load);
  const { gated } = epilogueOf(config.epilogue);
  const join = joinOf(gpu, tier, tuning);
  const outputs = outputsOf(config, tuning, join);
  const constants = {
    ...epilogueConstants(config),
    FORMAT: config.format,
    SCALED: isScaled(config),
    NORM: config.norm,
    JOIN: join,
    LANES: tuning.lanes,
    TEAMS: tuning.teams,
    TOKENS: tuning.tokens,
    OUT: outputs,
    HALVES: gated ? 2 : 1,
    LOAD: loads.load,
    WIDTH: loads.width,
    PARTS: loads.parts,
    CHUNKS_PER_SCALE: loads.chunksPerScale,
    VECTOR: VECTORS[loads.width] ?? '',
    WORDS: WORDS[loads.load] ?? '',
    TAIL: loads.chunks % tuning.lanes !== 0 || loads.chunks * loads.parts * loads.width !== config.columns,
  };
  const pipeline = await gpu.pipelines.get({ kernel: 'linear_rows', constants });
  return { tuning, loads, outputs, pipeline };
}

function encodeRows(
  gpu: Gpu,
  config: LinearConfig,
  { tuning, loads, outputs: tileOutputs, pipeline }: Tile,
  pass: GPUComputePassEncoder,
  args: LinearArgs,
): void {
  const { gated } = epilogueOf(config.epilogue);
  const outputs = gated ? config.rows / 2 : config.rows;
  const x = Math.ceil(outputs / (tileOutputs * tuning.teams));
  const y = Math.ceil(args.tokens / tuning.tokens);
  const most = gpu.limits.maxComputeWorkgroupsPerDimension;
  if (x > most || y > most) {
    throw new LaunchError(
      KERNEL,
      `${outputs} outputs of ${args.tokens} tokens need ${x} × ${y} workgroups; the device allows ${most} a side.`,
    );
  }
  const words = uniformWords([
    args.tokens,
    outputs,
    loads.chunks,
    config.columns / loads.width,
    0,
    0,
    args.inputRows ? 1 : 0,
  ]);
  const floats = new Float32Array(words.buffer);
  floats[4] = 1 / config.columns;
  floats[5] = config.epsilon;
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

function epilogueConstants(config: LinearConfig): ShaderConstants {
  const { activation, gated, add } = epilogueOf(config.epilogue);
  return { ACTIVATION: activation, GATED: gated, ADD: add, BIAS: config.hasBias };
}
