/**
 * Chooses the tuning of decode attention among the few candidates that a device may like, in less than a second beside
 * compilation, and remembers it. A device with one candidate is not timed.
 *
 * The memory is plain data that whoever runs the lab keeps: the worker in IndexedDB, the command line for one process.
 */
import type { KvFormat } from '../core/kv/formats.ts';
import type { Gpu } from '../gpu/context.ts';
import { createPagedDecode, type PagedDecode } from '../gpu/kernels/decode.ts';
import { candidates, type DecodeTier, type DecodeTuning } from '../gpu/kernels/tuning.ts';
import { middle } from '../gpu/microbench/read-bandwidth.ts';
import { createTimer } from '../gpu/timing.ts';

export interface TunedShape {
  readonly headDim: number;
  readonly queryHeads: number;
  readonly kvHeads: number;
  readonly blockSize: number;
  readonly format: KvFormat;
}

/** Key → chosen tuning. */
export interface TuningMemory {
  get(key: string): Promise<DecodeTuning | null>;
  set(key: string, tuning: DecodeTuning): Promise<void>;
}

/** Forgets when the process ends. */
export function volatileTuningMemory(): TuningMemory {
  const kept = new Map<string, DecodeTuning>();
  return {
    get: (key) => Promise.resolve(kept.get(key) ?? null),
    set: (key, tuning) => Promise.resolve(void kept.set(key, tuning)),
  };
}

export function tierOf(gpu: Gpu, tier: 'auto' | DecodeTier): DecodeTier {
  if (tier !== 'auto') return tier;
  return gpu.features.subgroups ? 'subgroups' : 'no-subgroups';
}

/** Everything that the best tuning may depend on; browsers mask what they like, so all of it together. */
export function tuningKey(gpu: Gpu, runtime: string, tier: DecodeTier, shape: TunedShape): string {
  const { vendor, architecture, device, description } = gpu.info;
  const { subgroupMinSize, subgroupMaxSize, f16 } = gpu.features;
  const { maxComputeWorkgroupStorageSize, maxComputeInvocationsPerWorkgroup } = gpu.limits;
  const group = shape.queryHeads / shape.kvHeads;
  return [
    [vendor, architecture, device, description].join('/'),
    [...gpu.device.features].sort().join('+'),
    `${subgroupMinSize}-${subgroupMaxSize}${f16 ? '-f16' : ''}`,
    `${maxComputeWorkgroupStorageSize}-${maxComputeInvocationsPerWorkgroup}`,
    runtime,
    `${tier}-${shape.format}-d${shape.headDim}-g${group}-b${shape.blockSize}`,
  ].join('|');
}

export interface TuneOptions {
  readonly memory: TuningMemory;
  readonly runtime: string;
  readonly now: () => number;
  readonly signal?: AbortSignal;
}

/** Time for all candidates together, compilation aside. */
const BUDGET_MS = 700;
const TUNING_BATCH = 8;
const TUNING_CONTEXT = 2048;

/** The remembered or newly timed tuning of this shape. */
export async function autotune(
  gpu: Gpu,
  tier: 'auto' | DecodeTier,
  shape: TunedShape,
  options: TuneOptions,
): Promise<DecodeTuning> {
  const chosen = tierOf(gpu, tier);
  const list = candidates(gpu, chosen, shape);
  const [first] = list;
  if (!first) throw new RangeError('There is no candidate for this device.');
  if (list.length === 1) return first;
  const key = tuningKey(gpu, options.runtime, chosen, shape);
  const known = await options.memory.get(key);
  // A memory of an older release may name what is no candidate any more.
  const remembered = known && list.find((tuning) => JSON.stringify(tuning) === JSON.stringify(known));
  if (remembered) return remembered;
  const best = await fastest(gpu, chosen, shape, list, options);
  await options.memory.set(key, best);
  return best;
}

/** Times the candidates on one cache of zeros: what is read does not change how long reading takes. */
async function fastest(
  gpu: Gpu,
  tier: DecodeTier,
  shape: TunedShape,
  list: readonly DecodeTuning[],
  { now, signal }: TuneOptions,
): Promise<DecodeTuning> {
  const decodes = await compile(gpu, tier, shape, list);
  const buffers: GPUBuffer[] = [];
  const timer = await createTimer(gpu, { now });
  try {
    const args = await tuningArgs(gpu, shape, decodes[0]?.decode.layout.blockBytes ?? 16, buffers);
    const variants = decodes.map(({ decode, tuning }) => ({
      name: JSON.stringify(tuning),
      encode: (pass: GPUComputePassEncoder) => decode.encode(pass, args),
    }));
    const limits = { rounds: 5, maxSampleMs: 20, budgetMs: BUDGET_MS };
    const timings = await timer.measure(variants, signal ? { ...limits, signal } : limits);
    const ranked = timings
      .flatMap(({ samplesMs }, i) => (samplesMs.length > 0 ? [{ i, ms: middle(samplesMs) }] : []))
      .sort((a, b) => a.ms - b.ms);
    const winner = decodes[ranked[0]?.i ?? 0] ?? decodes[0];
    if (!winner) throw new Error('No candidate compiles on this device.');
    return winner.tuning;
  } finally {
    timer.destroy();
    for (const { decode } of decodes) decode.destroy();
    gpu.buffers.destroy(...buffers);
  }
}

interface Candidate {
  readonly tuning: DecodeTuning;
  readonly decode: PagedDecode;
}

/** A candidate that this device refuses is no candidate; only when all fail does the reason matter. */
async function compile(
  gpu: Gpu,
  tier: DecodeTier,
  shape: TunedShape,
  list: readonly DecodeTuning[],
): Promise<Candidate[]> {
  const residual = shape.format === 'int2' ? { residualTokens: 128 } : {};
  const config = { ...shape, ...residual, layout: 'paged' as const, tier, maxBatch: TUNING_BATCH };
  const made = await Promise.allSettled(
    list.map(async (tuning) => {
      const decode = await createPagedDecode(gpu, { ...config, tuning, maxContextTokens: TUNING_CONTEXT });
      return { tuning, decode };
    }),
  );
  const good = made.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = made.find((result) => result.status === 'rejected');
  if (good.length === 0 && failed) throw failed.reason;
  return good;
}

async function tuningArgs(gpu: Gpu, shape: TunedShape, blockBytes: number, buffers: GPUBuffer[]) {
  const { queryHeads, kvHeads, headDim, blockSize } = shape;
  const tableStride = TUNING_CONTEXT / blockSize;
  const storage = GPUBufferUsage.STORAGE;
  const rowsBytes = TUNING_BATCH * queryHeads * headDim * 4;
  const keep = (buffer: GPUBuffer): GPUBuffer => {
    buffers.push(buffer);
    return buffer;
  };
  const blocks = TUNING_BATCH * tableStride;
  const table = Uint32Array.from({ length: blocks }, (_, i) => i);
  const lengths = new Uint32Array(TUNING_BATCH).fill(TUNING_CONTEXT);
  const residualBytes = TUNING_BATCH * 2 * kvHeads * 128 * headDim * 2;
  const int2 = shape.format === 'int2';
  return {
    query: keep(gpu.buffers.create('Autotune.query', rowsBytes, storage)),
    output: keep(gpu.buffers.create('Autotune.output', rowsBytes, storage)),
    pool: keep(await gpu.buffers.tryCreate('Autotune.pool', blocks * blockBytes, storage)),
    blockTable: keep(gpu.buffers.upload('Autotune.table', table)),
    contextLengths: keep(gpu.buffers.upload('Autotune.lengths', lengths)),
    ...(int2 && {
      residual: keep(await gpu.buffers.tryCreate('Autotune.residual', residualBytes, storage)),
      residualSlots: keep(
        gpu.buffers.upload(
          'Autotune.slots',
          lengths.map((_, i) => i),
        ),
      ),
    }),
    batch: TUNING_BATCH,
    maxContextTokens: TUNING_CONTEXT,
    tableStride,
  };
}
