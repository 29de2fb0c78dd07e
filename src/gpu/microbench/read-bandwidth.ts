/** Read bandwidth of the adapter, the ceiling of every attention kernel: shaders/peak_read.wgsl over large buffers. */
import type { Gpu } from '../context.ts';
import type { MeasureOptions, TimedVariant, Timer, VariantTiming } from '../timing.ts';
import { createFilled, type FilledBuffers } from './fill.ts';

export interface BandwidthResult {
  /** Of the fastest variant, one value a round. */
  readonly gbpsSamples: readonly number[];
  /** The fastest variant: workgroup size, element, loads in flight. */
  readonly variant: string;
  /** Bytes between two reads of the same byte; meant to exceed the last-level cache. */
  readonly footprintBytes: number;
  readonly timings: readonly VariantTiming[];
}

interface ReadShape {
  readonly threads: number;
  readonly wide: boolean;
  readonly unroll: number;
}

/** A software adapter reads fastest in workgroups of its own width; a GPU in wide loads, many in flight. */
const SOFTWARE_SHAPES: readonly ReadShape[] = [
  { threads: 4, wide: false, unroll: 16 },
  { threads: 8, wide: false, unroll: 16 },
  { threads: 64, wide: false, unroll: 16 },
];
const GPU_SHAPES: readonly ReadShape[] = [
  { threads: 64, wide: true, unroll: 4 },
  { threads: 256, wide: true, unroll: 4 },
  { threads: 256, wide: true, unroll: 8 },
  { threads: 128, wide: false, unroll: 16 },
];

const MIB = 1_048_576;
/** Last-level caches reach 128 MiB on GPUs of 2025 (AMD's Infinity Cache); twice that is read before a byte recurs. */
const GPU_FOOTPRINT_BYTES = 256 * MIB;
const SOFTWARE_FOOTPRINT_BYTES = 96 * MIB;
/** Bytes of one call: below 100 ms on a software adapter, above a dispatch's overhead on any GPU. */
const GPU_CALL_BYTES = 256 * MIB;
const SOFTWARE_CALL_BYTES = 16 * MIB;

export interface ReadBandwidthOptions extends MeasureOptions {
  readonly footprintBytes?: number;
  readonly callBytes?: number;
}

/** Measures read bandwidth. @throws GpuOutOfMemoryError when not even 4 MiB can be had. */
export async function measureReadBandwidth(
  gpu: Gpu,
  timer: Timer,
  options: ReadBandwidthOptions = {},
): Promise<BandwidthResult> {
  const wanted = options.footprintBytes ?? (gpu.isFallback ? SOFTWARE_FOOTPRINT_BYTES : GPU_FOOTPRINT_BYTES);
  const callBytes = options.callBytes ?? (gpu.isFallback ? SOFTWARE_CALL_BYTES : GPU_CALL_BYTES);
  const filled = await createFilled(gpu, wanted);
  const sink = gpu.buffers.create('ReadBandwidth.sink', 16, GPUBufferUsage.STORAGE);
  try {
    const shapes = gpu.isFallback ? SOFTWARE_SHAPES : GPU_SHAPES;
    const usable = shapes.filter(({ threads }) => threads <= gpu.limits.maxComputeInvocationsPerWorkgroup);
    const reads = await Promise.all(usable.map((shape) => readVariant(gpu, shape, filled, sink, callBytes)));
    const timings = await timer.measure(reads, options);
    return fastest(reads, timings, filled.totalBytes);
  } finally {
    gpu.buffers.destroy(sink, ...filled.buffers);
  }
}

interface ReadVariant extends TimedVariant {
  readonly bytesPerCall: number;
}

async function readVariant(
  gpu: Gpu,
  { threads, wide, unroll }: ReadShape,
  filled: FilledBuffers,
  sink: GPUBuffer,
  wantedBytes: number,
): Promise<ReadVariant> {
  const element = wide ? 'vec4<u32>' : 'u32';
  const pipeline = await gpu.pipelines.get({
    kernel: 'peak_read',
    constants: { THREADS: threads, UNROLL: unroll, WIDE: wide, ELEMENT: element },
  });
  const elementBytes = wide ? 16 : 4;
  const roundBytes = threads * unroll * elementBytes;
  const sliceBytes = Math.min(wantedBytes, filled.bufferBytes);
  // About 16 KiB of sequential reading for each workgroup, and no more workgroups than one dimension holds.
  const groupsLimit = gpu.limits.maxComputeWorkgroupsPerDimension;
  const rounds = Math.max(
    1,
    Math.round(16_384 / roundBytes),
    Math.ceil(sliceBytes / roundBytes / groupsLimit),
  );
  const groups = Math.max(1, Math.floor(sliceBytes / (roundBytes * rounds)));
  const bytesPerCall = groups * rounds * roundBytes;
  const slices = Math.max(1, Math.floor(filled.bufferBytes / sliceBytes));
  return {
    name: `${threads} lanes × ${element} × ${unroll}`,
    bytesPerCall,
    encode(pass, call) {
      const buffer = filled.buffers[Math.floor(call / slices) % filled.buffers.length];
      if (!buffer) return;
      const first = ((call % slices) * sliceBytes) / elementBytes;
      // 0x5bd1e995 is no sum that the filled words give; the kernel only has to believe that it might be.
      const params = gpu.bindings.uniform(Uint32Array.of(first, rounds, 0x5bd1e995, 0));
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, gpu.bindings.group(pipeline, [buffer, sink, params]));
      pass.dispatchWorkgroups(groups);
    },
  };
}

function fastest(
  reads: readonly ReadVariant[],
  timings: readonly VariantTiming[],
  footprintBytes: number,
): BandwidthResult {
  let best: BandwidthResult = { gbpsSamples: [], variant: 'none', footprintBytes, timings };
  for (const [i, timing] of timings.entries()) {
    const bytes = reads[i]?.bytesPerCall ?? 0;
    const gbpsSamples = timing.samplesMs.map((ms) => bytes / ms / 1e6);
    if (middle(gbpsSamples) > middle(best.gbpsSamples)) best = { ...best, gbpsSamples, variant: timing.name };
  }
  return best;
}

/** Upper median, for choosing between variants only; 0 without samples. */
export function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}
