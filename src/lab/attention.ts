/** One decode attention of a given shape: its time, its bandwidth against the measured read peak, its error. */
import { KV_FORMATS, type KvFormat } from '../core/kv/formats.ts';
import { median } from '../core/metrics/percentiles.ts';
import type { Gpu } from '../gpu/context.ts';
import { createPagedDecode } from '../gpu/kernels/decode.ts';
import { decodeTwin } from '../gpu/kernels/decode.twin.ts';
import { swapOut } from '../gpu/kernels/swap.ts';
import { measureReadBandwidth } from '../gpu/microbench/read-bandwidth.ts';
import { createTimer } from '../gpu/timing.ts';
import { autotune, type TuningMemory } from './autotune.ts';
import { UnsupportedError } from './errors.ts';
import { createFilledCache, type CacheShape, type FilledCache } from './filled-cache.ts';
import type { LabHost } from './host.ts';
import type { AttentionResult, AttentionShape } from './types.ts';
import { decodeArgs, decodeErrorOf, decodeOnce, queryRows } from './compare.ts';

export interface AttentionOptions {
  readonly host: LabHost;
  readonly tunings: TuningMemory;
  readonly signal?: AbortSignal;
}

const SEED = 20_260_101;
const RESIDUAL_TOKENS = 128;
const WARM_UP_CALLS = 3;
const LEAST_CALLS = 15;
const MOST_CALLS = 200;
const BUDGET_MS = 3000;
/** Multiply-adds that the twin may spend on the comparison; it does about 1e8 a second. */
const TWIN_MACS = 2e8;

/**
 * Measures one call: the attention dispatch and its merge, from submit to done.
 * @throws WrongResultError when the kernel is off; GpuOutOfMemoryError; UnsupportedError
 */
export async function measureAttention(
  shape: AttentionShape,
  options: AttentionOptions,
): Promise<AttentionResult> {
  const variant = shape.variant ?? 'auto';
  // The tier without subgroups is measured on a device that has none, as in the browsers that lack them.
  const gpu = await options.host.openGpu({ subgroups: variant !== 'no-subgroups' });
  let cache: FilledCache | null = null;
  try {
    const lengths = Array.from({ length: shape.batch }, () => shape.context);
    cache = await createFilledCache(gpu, { shape: cacheShape(shape), layout: 'paged', lengths, seed: SEED });
    const measured =
      variant === 'cpu'
        ? await measureTwin(gpu, cache, options.host.now)
        : await measureKernel(gpu, cache, variant, options);
    const readPeakGbps = await readPeak(gpu, options);
    const medianMs = median(measured.samplesMs);
    return {
      medianMs,
      minMs: Math.min(...measured.samplesMs),
      kvBytes: cache.kvBytes,
      gbps: cache.kvBytes / medianMs / 1e6,
      readPeakGbps,
      variant: measured.variant,
      maxAbsError: measured.maxAbsError,
    };
  } finally {
    cache?.destroy();
    gpu.device.destroy();
  }
}

function cacheShape({ queryHeads, kvHeads, headDim, blockSize, kvFormat }: AttentionShape): CacheShape {
  const format = KV_FORMATS.find((known) => known === kvFormat);
  if (!format) {
    throw new UnsupportedError(`kvFormat is “${kvFormat}”; choose one of ${KV_FORMATS.join(', ')}.`);
  }
  const residualTokens = Math.max(RESIDUAL_TOKENS, blockSize);
  return { queryHeads, kvHeads, headDim, blockSize, format: format satisfies KvFormat, residualTokens };
}

interface Measured {
  readonly samplesMs: readonly number[];
  readonly variant: string;
  readonly maxAbsError: number;
}

async function measureKernel(
  gpu: Gpu,
  cache: FilledCache,
  tier: 'auto' | 'subgroups' | 'no-subgroups',
  { host, tunings, signal }: AttentionOptions,
): Promise<Measured> {
  const { shape, lengths } = cache;
  const tuneOptions = { memory: tunings, runtime: host.facts.runtime, now: host.now };
  const tuning = await autotune(gpu, tier, shape, signal ? { ...tuneOptions, signal } : tuneOptions);
  const decode = await createPagedDecode(gpu, {
    ...shape,
    layout: 'paged',
    tier,
    tuning,
    maxBatch: lengths.length,
    maxContextTokens: Math.max(...lengths),
  });
  const { queryHeads, headDim } = shape;
  const outputBytes = lengths.length * queryHeads * headDim * 4;
  const output = gpu.buffers.create('Attention.output', outputBytes, GPUBufferUsage.STORAGE);
  const timer = await createTimer(gpu, { now: host.now, timestamps: false });
  try {
    const { variant } = decode;
    const sequences = sequencesToCompare(cache);
    const result = await decodeOnce(gpu, decode, cache);
    const maxAbsError = await decodeErrorOf(gpu, variant, cache, result, { sequences });
    const args = decodeArgs(cache, output);
    const call = { name: variant, encode: (pass: GPUComputePassEncoder) => decode.encode(pass, args) };
    const samplesMs: number[] = [];
    const started = host.now();
    for (let i = -WARM_UP_CALLS; i < MOST_CALLS; i++) {
      signal?.throwIfAborted();
      const tookMs = await timer.submitToDoneMs(call);
      if (i >= 0) samplesMs.push(tookMs);
      if (i + 1 >= LEAST_CALLS && host.now() - started > BUDGET_MS) break;
    }
    return { samplesMs, variant, maxAbsError };
  } finally {
    timer.destroy();
    decode.destroy();
    gpu.buffers.destroy(output);
  }
}

/** First and last sequence, then from the front, as many as the twin can do in a second or two; at least one. */
function sequencesToCompare({ shape, lengths }: FilledCache): number[] {
  const macsEach = 2 * shape.queryHeads * shape.headDim * Math.max(...lengths);
  const count = Math.max(1, Math.min(lengths.length, Math.floor(TWIN_MACS / macsEach)));
  const order = [lengths.length - 1, ...lengths.keys()];
  return [...new Set(order)].slice(0, count);
}

/** The plain twin on the processor, the slowest honest implementation. */
async function measureTwin(gpu: Gpu, cache: FilledCache, now: () => number): Promise<Measured> {
  const { shape, layout, table, tableStride, lengths } = cache;
  const pool = await swapOut(gpu, cache.pool, layout.blockBytes, [...table]);
  const ring = cache.ring ? new Uint32Array(await gpu.buffers.read(cache.ring)) : null;
  const slots = Array.from(lengths, (_, b) => lengths.length - 1 - b);
  const args = {
    layout,
    queryHeads: shape.queryHeads,
    batch: lengths.length,
    query: queryRows(cache, lengths.length),
    pool,
    blockTable: table.map((_, i) => i),
    tableStride,
    contextLengths: lengths,
    ...(ring && { residual: { words: ring, slots, tokens: shape.residualTokens } }),
  };
  const samplesMs: number[] = [];
  const started = now();
  for (let i = 0; i < 3 && (i === 0 || now() - started < BUDGET_MS); i++) {
    const before = now();
    decodeTwin(args);
    samplesMs.push(now() - before);
  }
  return { samplesMs, variant: 'cpu', maxAbsError: 0 };
}

async function readPeak(gpu: Gpu, { host, signal }: AttentionOptions): Promise<number> {
  const timer = await createTimer(gpu, { now: host.now });
  try {
    const limits = { rounds: 5, budgetMs: 1500 };
    const { gbpsSamples } = await measureReadBandwidth(gpu, timer, signal ? { ...limits, signal } : limits);
    return gbpsSamples.length === 0 ? 0 : median(gbpsSamples);
  } finally {
    timer.destroy();
  }
}
