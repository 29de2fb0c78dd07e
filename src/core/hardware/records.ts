/**
 * What a GPU's record holds, and the two dozen GPUs that every room knows: gpus.json, one row a device with its source.
 * Published numbers of makers and databases, not measurements: a measured rate is always preferred. Rates are dense;
 * GB = 10⁹ bytes.
 *
 * Boundary: this table is part of the first screen, so it stays small: the GPUs that the simulator is checked on and that
 * visitors have. All of them are in catalogue.ts, which the planner, the command line and whoever else asks for any GPU
 * load. Prices are in prices.ts.
 */
import * as v from 'valibot';
import { NameIndex } from '../names.ts';
import rows from './gpus.json' with { type: 'json' };

const positive = v.pipe(v.number(), v.minValue(0.001), v.maxValue(1e6));
const share = v.pipe(v.number(), v.minValue(0.01), v.maxValue(1));
const rising = v.pipe(
  v.array(v.pipe(v.number(), v.minValue(0))),
  v.minLength(2),
  v.check((numbers) => numbers.every((n, i) => i === 0 || n >= (numbers[i - 1] ?? 0)), 'rising numbers'),
);
const source = v.pipe(v.string(), v.minLength(10));

/** Shares of the published rates that kernels of a serving engine reached on this GPU. */
const Efficiency = v.strictObject({
  /** Linear layers of 2,048 tokens and more, of the matrix rate. */
  matmulCompute: share,
  /** Linear layers of up to 16 tokens, of the bandwidth. */
  matmulMemory: share,
  /** Prefill attention of long prompts, of the matrix rate; causal pairs only. */
  attentionCompute: share,
  /** Decode attention, of the bandwidth, beyond what it takes to begin and to end (sim/cost/step-time.ts). */
  attentionMemory: share,
  source,
});

/**
 * How the engine's attention runs a step that has decodes and chunks of prompt at once (vLLM 0.19's choice by GPU):
 *  - `fa2`: one launch over query tiles of 64 rows, one of which a decode takes for each head (FlashAttention-2);
 *  - `fa3`: the same over tiles of 128 rows that hold all query heads of a KV head (FlashAttention-3, Hopper);
 *  - `split`: decodes in a kernel of their own.
 */
export const ATTENTION_KERNELS = ['fa2', 'fa3', 'split'] as const;
export type AttentionKernel = (typeof ATTENTION_KERNELS)[number];

/** What a serving engine on this GPU needs to know besides. */
const Serving = v.strictObject({
  /** Memory as the driver reports it to a program, in GiB; null: not known. */
  usableGiB: v.nullable(positive),
  /** Streaming multiprocessors or compute units; null: not known. */
  computeUnits: v.nullable(positive),
  attention: v.picklist(ATTENTION_KERNELS),
  /** Matrix rates of the narrow formats, f32 or i32 accumulation; null where there are none or none is published. */
  fp8MatrixTflops: v.nullable(positive),
  int8MatrixTops: v.nullable(positive),
  fp4MatrixTflops: v.nullable(positive),
  int4MatrixTops: v.nullable(positive),
  /** GPU to GPU, one direction; null: over the host link. */
  linkGBps: v.nullable(positive),
  /** GPU to host, one direction, as the standard says; null: memory is shared. */
  hostGBps: v.nullable(positive),
  /** null: not measured. */
  efficiency: v.nullable(Efficiency),
  /** What one all-reduce takes, message by message in bytes; null: not measured. */
  allReduce: v.nullable(
    v.strictObject({
      points: v.pipe(
        v.array(
          v.pipe(
            v.strictObject({
              ranks: v.pipe(v.number(), v.integer(), v.minValue(2)),
              bytes: rising,
              us: rising,
            }),
            v.check(({ bytes, us }) => bytes.length === us.length, 'as many times as messages'),
          ),
        ),
        v.minLength(1),
      ),
      source,
    }),
  ),
  source,
});

export const GPU_KINDS = ['datacenter', 'workstation', 'desktop', 'laptop', 'integrated', 'mobile'] as const;
export const GPU_VENDORS = [
  'nvidia',
  'amd',
  'intel',
  'apple',
  'qualcomm',
  'arm',
  'imagination',
  'other',
] as const;
const shortText = v.pipe(v.string(), v.minLength(1), v.maxLength(80));

export const GpuRecord = v.pipe(
  v.strictObject({
    id: v.pipe(v.string(), v.regex(/^[a-z0-9.-]+$/), v.maxLength(80)),
    name: shortText,
    /** Other names that people and clouds use for it. */
    aliases: v.pipe(v.array(shortText), v.maxLength(20)),
    vendor: v.picklist(GPU_VENDORS),
    /** The maker's name of the generation: Hopper, CDNA3. */
    architecture: shortText,
    kind: v.picklist(GPU_KINDS),
    year: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(2000), v.maxValue(2100))),
    /** $ of one at its launch, as databases print it; null: sold in systems only, or not published. */
    msrpUsd: v.nullable(positive),
    /** Largest configuration where there are several. */
    memoryGB: positive,
    /** The memory is the system's, shared with the processor. */
    sharedMemory: v.boolean(),
    bandwidthGBps: positive,
    /** Last cache before the memory that is the GPU's alone, MB of 2²⁰; null: not published. */
    l2MB: v.nullable(positive),
    fp32Tflops: v.nullable(positive),
    /** Matrix units, f32 accumulation; null where there are none or none is published. */
    fp16MatrixTflops: v.nullable(positive),
    /** The same with f16 accumulation where that differs or is known to be the same: GeForce cards run it twice as fast. */
    fp16AccumulateTflops: v.nullable(positive),
    tdpW: v.nullable(positive),
    serving: Serving,
    /** Words that an adapter's name holds when it is this GPU, and words that make it another. */
    adapterWords: v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(10)),
    adapterWithout: v.pipe(v.array(v.string()), v.maxLength(20)),
    source,
  }),
  v.check(
    ({ fp32Tflops, fp16MatrixTflops }) => fp32Tflops !== null || fp16MatrixTflops !== null,
    'fp32Tflops or fp16MatrixTflops: one of them must be given',
  ),
);
export type GpuRecord = v.InferOutput<typeof GpuRecord>;
export type GpuKind = GpuRecord['kind'];
export type GpuVendor = GpuRecord['vendor'];

/** Id of the record that a hardware check makes (from-check.ts). */
export const THIS_GPU = 'this-gpu';

export const GPUS: readonly GpuRecord[] = v.parse(v.array(GpuRecord), rows);

/** Words that makers put before the name of every product, and after it. */
const MAKERS =
  /\b(nvidia|geforce|amd|radeon|intel|\(r\)|\(tm\)|tesla|quadro|instinct|apple|graphics)\b|\((r|tm)\)/gi;

/** `NVIDIA GeForce RTX 4090` and `rtx-4090` are the same. */
export function gpuKey(name: string): string {
  const bare = name
    .replace(MAKERS, '')
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');
  return bare === '' ? name.toLowerCase() : bare;
}

/** Where a number alone is looked for: `4090` is the RTX 4090, `7900 XTX` the RX. */
const SERIES: readonly string[] = ['rtx', 'gtx', 'rx'];

/** A lookup over GPUs by id, name, alias or, where a series has one of that number, the number alone. */
export class GpuIndex extends NameIndex<GpuRecord> {
  constructor(records: readonly GpuRecord[]) {
    super(records, gpuKey);
  }

  override find(name: string): GpuRecord | undefined {
    const found = super.find(name);
    if (found !== undefined || !/^\s*\d{3,4}(?!\d)/.test(name)) return found;
    for (const series of SERIES) {
      const numbered = super.find(`${series}${name}`);
      if (numbered !== undefined) return numbered;
    }
    return undefined;
  }
}

/** Records, and the one that a name means. */
export interface GpuTable {
  readonly all: readonly GpuRecord[];
  readonly find: (name: string) => GpuRecord | undefined;
}

const index = new GpuIndex(GPUS);
let table: GpuTable = { all: GPUS, find: (name) => index.find(name) };

/** Lets all rooms find every record (all-records.ts) in place of this table's. */
export function findGpusIn(whole: GpuTable): void {
  table = whole;
}

/** A GPU by id, name or alias, in any case: of this table, or of all where all-records.ts is loaded. */
export function findGpu(name: string): GpuRecord | undefined {
  return table.find(name);
}

/** The GPUs that `findGpu` finds. */
export function knownGpus(): readonly GpuRecord[] {
  return table.all;
}

/**
 * Bytes of memory that a program can see. Where nobody wrote it down: the published size in GiB less 1.5 %, the mean of
 * those that are known without error correction in the same memory.
 */
export function usableMemoryBytes({ memoryGB, sharedMemory, serving }: GpuRecord): number {
  if (serving.usableGiB !== null) return serving.usableGiB * 2 ** 30;
  return sharedMemory ? memoryGB * 1e9 : memoryGB * 2 ** 30 * 0.985;
}

/** TFLOP/s of products in half precision: of the matrix units, else of the shaders in f32. */
export function halfTflops({ fp16MatrixTflops, fp32Tflops, name }: GpuRecord): number {
  const rate = fp16MatrixTflops ?? fp32Tflops;
  if (rate === null) throw new Error(`The record of ${name} has no rate.`);
  return rate;
}

/** What a browser or Dawn tells of an adapter. */
export interface AdapterNames {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  readonly isFallback: boolean;
}

/**
 * The known GPU behind an adapter, by the words of its names. Undefined for software adapters and where the browser
 * tells no model, as most do; variants with the same name (memory sizes of a laptop) can't be told apart.
 */
export function matchGpu(
  { vendor, device, description, isFallback }: AdapterNames,
  gpus: readonly GpuRecord[] = GPUS,
): GpuRecord | undefined {
  if (isFallback) return undefined;
  const words = new Set(`${vendor} ${device} ${description}`.toLowerCase().split(/[^a-z0-9]+/));
  return gpus.find(
    (gpu) =>
      gpu.adapterWords.every((word) => words.has(word)) &&
      !gpu.adapterWithout.some((word) => words.has(word)),
  );
}

/** f32 FLOP a byte of memory traffic: below about 40, decoding int4 is bound by arithmetic. Null: no such rate is known. */
export function ridgeFlopPerByte({ fp32Tflops, bandwidthGBps }: GpuRecord): number | null {
  return fp32Tflops === null ? null : (fp32Tflops * 1000) / bandwidthGBps;
}
