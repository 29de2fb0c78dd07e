/**
 * Launcher of shaders/rope.wgsl: the fused projection's rows as queries, keys and values, normed, turned and padded for
 * the cache, or appended to it. The twin is rope.twin.ts.
 */
import type { KvFormat } from '../../core/kv/formats.ts';
import type { Gpu } from '../context.ts';
import { checkBytes, LaunchError, uniformWords, workgroupGrid } from './kernel.ts';
import { layoutConstants } from './layout-constants.ts';
import type { Kernel, RopeArgs, RopeConfig } from './transformer-config.ts';

const KERNEL = 'rope';
const THREADS = 64;

/** Whether rope can write keys and values into a cache of this format: plain numbers, f16 in whole words. */
export function ropeAppends(
  format: KvFormat,
  { layout, rotaryDim }: Pick<RopeConfig, 'layout' | 'rotaryDim'>,
): boolean {
  return format === 'f32' || (format === 'f16' && (layout === 'interleaved' || rotaryDim % 4 === 0));
}

/** @throws LaunchError where the dimensions do not fit one another. */
export async function createRope(gpu: Gpu, config: RopeConfig): Promise<Kernel<RopeArgs>> {
  checkConfig(config);
  const { queryHeads, kvHeads, headDim, paddedHeadDim, rotaryDim, layout, qkNorm, cache } = config;
  const owned = cache?.format === 'f16' ? 2 : 1;
  const pipeline = await gpu.pipelines.get({
    kernel: KERNEL,
    constants: {
      ...(cache && layoutConstants(cache)),
      CACHE: cache?.format ?? 'none',
      OWNED: owned,
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
    variant: `rope-${layout}${cache ? '-append' : ''}`,
    encode(pass, args) {
      const { tokens } = args;
      if (tokens === 0) return;
      checkArgs(config, args);
      const items = (tokens * (queryHeads + 2 * kvHeads) * paddedHeadDim) / (2 * owned);
      const [x, y] = workgroupGrid(KERNEL, gpu, Math.ceil(items / THREADS));
      const words = uniformWords([tokens]);
      new Float32Array(words.buffer).set([config.epsilon, config.queryScale, config.magnitude], 1);
      const buffers = [
        gpu.bindings.uniform(words),
        args.input,
        args.query,
        ...(cache ? [args.pool ?? null, args.slots ?? null] : [args.key ?? null, args.value ?? null]),
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

function checkConfig({ headDim, paddedHeadDim, rotaryDim, layout, kvHeads, cache }: RopeConfig): void {
  if (headDim % 2 !== 0 || paddedHeadDim % 2 !== 0 || paddedHeadDim < headDim) {
    throw new LaunchError(KERNEL, `a head of ${headDim} channels does not go into ${paddedHeadDim}.`);
  }
  if (rotaryDim % 2 !== 0 || rotaryDim > headDim) {
    throw new LaunchError(KERNEL, `${rotaryDim} channels cannot be turned of a head that has ${headDim}.`);
  }
  if (!cache) return;
  const { format, shape } = cache;
  if (!ropeAppends(format, { layout, rotaryDim }) || paddedHeadDim % 4 !== 0) {
    throw new LaunchError(
      KERNEL,
      `keys of ${paddedHeadDim} channels, ${rotaryDim} of them turned, do not go straight into a cache of ${format}; append them.`,
    );
  }
  if (shape.kvHeads !== kvHeads || shape.headDim !== paddedHeadDim) {
    throw new LaunchError(
      KERNEL,
      `the cache has ${shape.kvHeads} heads of ${shape.headDim} channels instead of ${kvHeads} of ${paddedHeadDim}.`,
    );
  }
}

function checkArgs(config: RopeConfig, args: RopeArgs): void {
  const { queryHeads, headDim, kvHeads, paddedHeadDim, rotaryDim, qkNorm } = config;
  const { tokens } = args;
  checkBytes(KERNEL, 'input', args.input, tokens * (queryHeads + 2 * kvHeads) * headDim * 4);
  checkBytes(KERNEL, 'query', args.query, tokens * queryHeads * paddedHeadDim * 4);
  checkKeysValues(config, args);
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

function checkKeysValues({ kvHeads, paddedHeadDim, cache }: RopeConfig, args: RopeArgs): void {
  const { tokens, key, value, pool, slots } = args;
  if (cache) {
    if (!pool || !slots) throw new LaunchError(KERNEL, 'appending needs pool and slots.');
    checkBytes(KERNEL, 'pool', pool, cache.blockBytes);
    checkBytes(KERNEL, 'slots', slots, tokens * 4);
    return;
  }
  if (!key || !value) throw new LaunchError(KERNEL, 'without a cache, key and value are needed.');
  checkBytes(KERNEL, 'key', key, tokens * kvHeads * paddedHeadDim * 4);
  checkBytes(KERNEL, 'value', value, tokens * kvHeads * paddedHeadDim * 4);
}
