/** The check's attention stage: decode over a cache that no cache memory holds, in one KV format, against its twin. */
import type { KvFormat } from '../core/kv/formats.ts';
import { kvLayout } from '../core/kv/formats.ts';
import type { Gpu } from '../gpu/context.ts';
import { createPagedDecode } from '../gpu/kernels/decode.ts';
import type { Timer } from '../gpu/timing.ts';
import { autotune, type TuningMemory } from './autotune.ts';
import { createFilledCache, type FilledCache } from './filled-cache.ts';
import type { LabHost } from './host.ts';
import { decodeArgs, decodeErrorOf, decodeOnce } from './compare.ts';

export interface DecodeCheckOptions {
  readonly host: LabHost;
  readonly tunings: TuningMemory;
  readonly signal: AbortSignal;
  readonly budgetMs: number;
}

export interface DecodeCheck {
  readonly gbpsSamples: readonly number[];
  /** Shape, variant and error in words. */
  readonly note: string;
}

const MIB = 1_048_576;

interface CheckShape {
  readonly batch: number;
  readonly context: number;
  readonly headDim: 64 | 128;
}

const HEADS = { queryHeads: 32, kvHeads: 8, blockSize: 16, residualTokens: 128 };
const SOFTWARE: CheckShape = { batch: 1, context: 1024, headDim: 64 };
const GPU: CheckShape = { batch: 16, context: 4096, headDim: 128 };
/**
 * More than a last-level cache holds; small formats take turns over several copies of the cache to reach it. On a
 * software adapter attention is bound by arithmetic, and one copy will do.
 */
const GPU_FOOTPRINT_BYTES = 256 * MIB;
const MOST_COPIES = 8;

/** @throws WrongResultError, GpuOutOfMemoryError */
export async function measureDecodeByFormat(
  gpu: Gpu,
  timer: Timer,
  format: KvFormat,
  { host, tunings, signal, budgetMs }: DecodeCheckOptions,
): Promise<DecodeCheck> {
  const { headDim, context } = gpu.isFallback ? SOFTWARE : GPU;
  const batch = batchThatFits(gpu);
  const shape = { ...HEADS, headDim, format };
  const runtime = host.facts.runtime;
  const tuning = await autotune(gpu, 'auto', shape, { memory: tunings, runtime, now: host.now, signal });
  const caches: FilledCache[] = [];
  const decode = await createPagedDecode(gpu, {
    ...shape,
    layout: 'paged',
    tier: 'auto',
    tuning,
    maxBatch: batch,
    maxContextTokens: context,
  });
  const outputBytes = batch * HEADS.queryHeads * headDim * 4;
  const output = gpu.buffers.create('CheckDecode.output', outputBytes, GPUBufferUsage.STORAGE);
  try {
    const lengths = Array.from({ length: batch }, () => context);
    const fill = (seed: number) => createFilledCache(gpu, { shape, layout: 'paged', lengths, seed });
    const first = await fill(1);
    caches.push(first);
    const error = await decodeErrorOf(gpu, decode.variant, first, await decodeOnce(gpu, decode, first), {
      sequences: [batch - 1],
    });
    const wanted = gpu.isFallback ? 1 : Math.ceil(GPU_FOOTPRINT_BYTES / first.pool.size);
    const copies = Math.min(MOST_COPIES, wanted);
    while (caches.length < copies) {
      signal.throwIfAborted();
      caches.push(await fill(caches.length + 1));
    }
    const args = caches.map((cache) => decodeArgs(cache, output));
    const variant = {
      name: decode.variant,
      encode: (pass: GPUComputePassEncoder, call: number) => {
        const next = args[call % args.length];
        if (next) decode.encode(pass, next);
      },
    };
    const [timing] = await timer.measure([variant], { budgetMs: budgetMs / 2, signal });
    const gbpsSamples = (timing?.samplesMs ?? []).map((ms) => first.kvBytes / ms / 1e6);
    const words =
      `Batch ${batch}, ${HEADS.queryHeads}/${HEADS.kvHeads} heads of ${headDim}, context ${context}, blocks of ` +
      `${HEADS.blockSize}; ${decode.variant}; largest error ${error.toExponential(1)}.`;
    return { gbpsSamples, note: words };
  } finally {
    for (const cache of caches) cache.destroy();
    decode.destroy();
    gpu.buffers.destroy(output);
  }
}

/** The same batch for all formats: the largest whose f32 pool one binding holds. */
function batchThatFits(gpu: Gpu): number {
  const { batch, context, headDim } = gpu.isFallback ? SOFTWARE : GPU;
  const { blockBytes } = kvLayout('f32', { ...HEADS, headDim });
  const sequenceBytes = (context / HEADS.blockSize) * blockBytes;
  const limit = Math.min(gpu.limits.maxBufferSize, gpu.limits.maxStorageBufferBindingSize, 512 * MIB);
  return Math.max(1, Math.min(batch, Math.floor(limit / sequenceBytes)));
}
