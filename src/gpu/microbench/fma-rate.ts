/** Multiply-add rate of the adapter: shaders/peak_fma.wgsl. One multiply-add counts as two operations. */
import type { Gpu } from '../context.ts';
import type { MeasureOptions, TimedVariant, Timer } from '../timing.ts';
import { middle } from './read-bandwidth.ts';

export type FmaNumber = 'f32' | 'f16';

export interface FmaResult {
  /** Of the fastest variant, one value a round. */
  readonly gflopsSamples: readonly number[];
  readonly variant: string;
}

const STEPS_PER_ROUND = 8;
/** Near 1, so that values neither grow nor become subnormal, and exact in f16. */
const FACTOR = 0.9375;

export interface FmaOptions extends MeasureOptions {
  /** Of one call, over all invocations. */
  readonly flops?: number;
}

/** @throws Error for f16 on a device without `shader-f16`: ask `gpu.features.f16` first. */
export async function measureFmaRate(
  gpu: Gpu,
  timer: Timer,
  number: FmaNumber,
  options: FmaOptions = {},
): Promise<FmaResult> {
  const sink = gpu.buffers.create('FmaRate.sink', 16, GPUBufferUsage.STORAGE);
  try {
    const shapes = gpu.isFallback
      ? [{ threads: 4, chains: 4 }]
      : [
          { threads: 64, chains: 2 },
          { threads: 256, chains: 4 },
        ];
    const flops = options.flops ?? (gpu.isFallback ? 8e6 : 4e9);
    const calls = await Promise.all(shapes.map((shape) => fmaVariant(gpu, number, shape, flops, sink)));
    const timings = await timer.measure(calls, options);
    let best: FmaResult = { gflopsSamples: [], variant: 'none' };
    for (const [i, timing] of timings.entries()) {
      const gflopsSamples = timing.samplesMs.map((ms) => (calls[i]?.flopsPerCall ?? 0) / ms / 1e6);
      if (middle(gflopsSamples) > middle(best.gflopsSamples)) best = { gflopsSamples, variant: timing.name };
    }
    return best;
  } finally {
    gpu.buffers.destroy(sink);
  }
}

interface FmaVariant extends TimedVariant {
  readonly flopsPerCall: number;
}

async function fmaVariant(
  gpu: Gpu,
  number: FmaNumber,
  { threads, chains }: { threads: number; chains: number },
  wantedFlops: number,
  sink: GPUBuffer,
): Promise<FmaVariant> {
  const pipeline = await gpu.pipelines.get({
    kernel: 'peak_fma',
    constants: { THREADS: threads, CHAINS: chains, NUMBER: number, F16: number === 'f16' },
  });
  const rounds = gpu.isFallback ? 256 : 128;
  const flopsPerInvocation = rounds * STEPS_PER_ROUND * chains * 4 * 2;
  const groups = Math.max(1, Math.min(65_535, Math.ceil(wantedFlops / flopsPerInvocation / threads)));
  const factorBits = new Uint32Array(Float32Array.of(FACTOR).buffer)[0] ?? 0;
  const params = gpu.bindings.uniform(Uint32Array.of(rounds, factorBits, 0, 0));
  const group = gpu.bindings.group(pipeline, [sink, params]);
  return {
    name: `${threads} lanes × ${chains} chains of vec4<${number}>`,
    flopsPerCall: groups * threads * flopsPerInvocation,
    encode(pass) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(groups);
    },
  };
}
