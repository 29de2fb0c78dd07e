/**
 * Launcher of shaders/rope.wgsl: the fused projection's rows as queries, keys and values, normed, turned and padded for
 * the cache. The twin is rope.twin.ts.
 */
import type { Gpu } from '../context.ts';
import { checkBytes, LaunchError, uniformWords, workgroupGrid } from './kernel.ts';
import type { Kernel, RopeArgs, RopeConfig } from './transformer-config.ts';

const KERNEL = 'rope';
const THREADS = 64;

/** @throws LaunchError where the dimensions do not fit one another. */
export async function createRope(gpu: Gpu, config: RopeConfig): Promise<Kernel<RopeArgs>> {
  checkConfig(config);
  const { queryHeads, kvHeads, headDim, paddedHeadDim, rotaryDim, layout, qkNorm } = config;
  const pipeline = await gpu.pipelines.get({
    kernel: KERNEL,
    constants: {
      QUERY_HEADS: queryHeads,
      KV_HEADS: kvHeads,
      HEAD_DIM: headDim,
      PADDED_DIM: paddedHeadDim,
      ROTARY_DIM: rotaryDim,
      INTERLEAVED: layout === 'interleaved',
      QK_NORM: qkNorm,
      THREADS,
    },
  });
  return {
    variant: `rope-${layout}`,
    encode(pass, args) {
      const { tokens } = args;
      if (tokens === 0) return;
      checkArgs(config, args);
      const items = (tokens * (queryHeads + 2 * kvHeads) * paddedHeadDim) / 2;
      const [x, y] = workgroupGrid(KERNEL, gpu, Math.ceil(items / THREADS));
      const words = uniformWords([tokens]);
      new Float32Array(words.buffer).set([config.epsilon, config.queryScale, config.magnitude], 1);
      const buffers = [
        gpu.bindings.uniform(words),
        args.input,
        args.query,
        args.key,
        args.value,
        rotaryDim > 0 ? args.positions : null,
        rotaryDim > 0 ? args.frequencies : null,
        qkNorm ? (args.queryNorm ?? null) : null,
        qkNorm ? (args.keyNorm ?? null) : null,
      ];
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, gpu.bindings.group(pipeline, buffers));
      pass.dispatchWorkgroups(x, y);
    },
    destroy: () => undefined,
  };
}

function checkConfig({ headDim, paddedHeadDim, rotaryDim }: RopeConfig): void {
  if (headDim % 2 !== 0 || paddedHeadDim % 2 !== 0 || paddedHeadDim < headDim) {
    throw new LaunchError(KERNEL, `a head of ${headDim} channels does not go into ${paddedHeadDim}.`);
  }
  if (rotaryDim % 2 !== 0 || rotaryDim > headDim) {
    throw new LaunchError(KERNEL, `${rotaryDim} channels cannot be turned of a head that has ${headDim}.`);
  }
}

function checkArgs(config: RopeConfig, args: RopeArgs): void {
  const { queryHeads, kvHeads, headDim, paddedHeadDim, rotaryDim, qkNorm } = config;
  const { tokens } = args;
  checkBytes(KERNEL, 'input', args.input, tokens * (queryHeads + 2 * kvHeads) * headDim * 4);
  checkBytes(KERNEL, 'query', args.query, tokens * queryHeads * paddedHeadDim * 4);
  checkBytes(KERNEL, 'key', args.key, tokens * kvHeads * paddedHeadDim * 4);
  checkBytes(KERNEL, 'value', args.value, tokens * kvHeads * paddedHeadDim * 4);
  if (rotaryDim > 0) {
    checkBytes(KERNEL, 'positions', args.positions, tokens * 4);
    checkBytes(KERNEL, 'frequencies', args.frequencies, rotaryDim * 2);
  }
  if (!qkNorm) return;
  if (!args.queryNorm || !args.keyNorm) {
    throw new LaunchError(KERNEL, 'QK norm needs queryNorm and keyNorm.');
  }
  checkBytes(KERNEL, 'queryNorm', args.queryNorm, headDim * 4);
  checkBytes(KERNEL, 'keyNorm', args.keyNorm, headDim * 4);
}
