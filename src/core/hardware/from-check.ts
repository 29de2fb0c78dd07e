/**
 * "This GPU": a record made of a hardware check, with what is known of the model that its adapter names.
 *
 *  - bandwidth and the multiply-add rates: measured. They hold heat and power limits, so such a record is never derated.
 *  - rates of the matrix units, which a page can't reach: the known model's, times the share of its published f32 rate that
 *    the multiply-adds reached here. Of a GPU that no record knows there are none.
 *  - memory: the known model's, and never less than the pool that allocated; of an unknown GPU that pool.
 *
 * Refused without bandwidth or a multiply-add rate: a check that was cut short.
 */
import type { Read } from '../json.ts';
import type { CheckRun } from '../run/schema.ts';
import { ALL_GPUS } from './catalogue.ts';
import { matchGpu, THIS_GPU, usableMemoryBytes, type GpuRecord, type GpuVendor } from './records.ts';

type Serving = GpuRecord['serving'];

/** Shares of a measured rate that kernels of an engine reach: reads reach all of it, products what they do elsewhere. */
const OF_MEASURED = { matmulCompute: 0.8, matmulMemory: 1, attentionCompute: 0.52 } as const;
const MOST_TEXT = 60;

function valueOf({ measurements }: CheckRun, id: string): number | null {
  const value = measurements.find((measurement) => measurement.id === id)?.value ?? null;
  return value !== null && Number.isFinite(value) && value > 0 ? value : null;
}

/** Part of `whole`, kept within what a record takes. */
function share(part: number, whole: number): number {
  return Math.min(1, Math.max(0.01, part / whole));
}

const VENDORS: readonly (readonly [RegExp, GpuVendor])[] = [
  [/nvidia|geforce|rtx/, 'nvidia'],
  [/\bamd\b|radeon/, 'amd'],
  [/intel|\barc\b|iris/, 'intel'],
  [/apple/, 'apple'],
  [/qualcomm|adreno/, 'qualcomm'],
  [/\barm\b|mali/, 'arm'],
  [/imgtec|imagination|powervr/, 'imagination'],
];

function vendorOf(names: string): GpuVendor {
  return VENDORS.find(([words]) => words.test(names.toLowerCase()))?.[1] ?? 'other';
}

function short(words: string): string {
  return words.trim().slice(0, MOST_TEXT);
}

interface Measured {
  readonly bandwidthGBps: number;
  readonly fp32Tflops: number | null;
  readonly fp16Tflops: number | null;
  readonly poolBytes: number | null;
  /** Decode attention's share of the read bandwidth. */
  readonly attentionMemory: number;
}

function measuredOf(check: CheckRun): Read<Measured> {
  const refuse = (what: string): Read<Measured> => ({
    ok: false,
    sentence: `The hardware check “${short(check.title)}” has no ${what}; run it again and let it finish.`,
  });
  const read = valueOf(check, 'read-bandwidth');
  if (read === null) return refuse('read bandwidth');
  const f32 = valueOf(check, 'fma-f32');
  const f16 = valueOf(check, 'fma-f16');
  if (f32 === null && f16 === null) return refuse('multiply-add rate');
  const decode = valueOf(check, 'decode.f16');
  return {
    ok: true,
    value: {
      bandwidthGBps: read,
      fp32Tflops: f32 === null ? null : f32 / 1000,
      fp16Tflops: f16 === null ? null : f16 / 1000,
      poolBytes: valueOf(check, 'largest-pool'),
      attentionMemory: decode === null ? 1 : share(decode, read),
    },
  };
}

/** What the shaders reached of the published rate; 1 where either is not known. */
function reachedShare(known: GpuRecord | undefined, { fp32Tflops }: Measured): number {
  const published = known?.fp32Tflops ?? null;
  return published === null || fp32Tflops === null ? 1 : share(fp32Tflops, published);
}

function times(rate: number | null | undefined, by: number): number | null {
  return rate === null || rate === undefined ? null : rate * by;
}

function servingOf(known: GpuRecord | undefined, measured: Measured, source: string): Serving {
  const by = reachedShare(known, measured);
  const serving = known?.serving;
  return {
    usableGiB: memoryBytes(known, measured) / 2 ** 30,
    computeUnits: serving?.computeUnits ?? null,
    attention: serving?.attention ?? 'fa2',
    fp8MatrixTflops: times(serving?.fp8MatrixTflops, by),
    int8MatrixTops: times(serving?.int8MatrixTops, by),
    fp4MatrixTflops: times(serving?.fp4MatrixTflops, by),
    int4MatrixTops: times(serving?.int4MatrixTops, by),
    linkGBps: serving?.linkGBps ?? null,
    hostGBps: serving?.hostGBps ?? null,
    efficiency: {
      ...OF_MEASURED,
      attentionMemory: measured.attentionMemory,
      source: `${source}; shares of products assumed`,
    },
    allReduce: serving?.allReduce ?? null,
    source,
  };
}

function memoryBytes(known: GpuRecord | undefined, { poolBytes }: Measured): number {
  return Math.max(known ? usableMemoryBytes(known) : 0, poolBytes ?? 0, 2 ** 20);
}

/** A record that stands in for the machine of a hardware check. */
export function gpuFromCheck(check: CheckRun): Read<GpuRecord> {
  const read = measuredOf(check);
  if (!read.ok) return read;
  const measured = read.value;
  const { adapter } = check.environment;
  const known = matchGpu(adapter, ALL_GPUS);
  const names = `${adapter.vendor} ${adapter.description} ${adapter.device}`;
  const called = adapter.isFallback
    ? 'software adapter'
    : (known?.name ?? (short(adapter.description || adapter.device) || 'unnamed'));
  const whose = check.received === 'link' ? 'of somebody else, from a link, ' : '';
  const source = `hardware check ${whose}of ${short(check.createdAt)} on ${short(adapter.description || called)}`;
  const by = reachedShare(known, measured);
  return {
    ok: true,
    value: {
      id: THIS_GPU,
      name: `This GPU (${called})`.slice(0, 80),
      aliases: [],
      vendor: known?.vendor ?? vendorOf(names),
      architecture: known?.architecture ?? (short(adapter.architecture) || 'not known'),
      kind: known?.kind ?? 'integrated',
      year: known?.year ?? null,
      msrpUsd: known?.msrpUsd ?? null,
      memoryGB: Math.max(known?.memoryGB ?? 0, memoryBytes(known, measured) / 1e9),
      sharedMemory: known?.sharedMemory ?? true,
      bandwidthGBps: measured.bandwidthGBps,
      l2MB: known?.l2MB ?? null,
      fp32Tflops: measured.fp32Tflops,
      fp16MatrixTflops: times(known?.fp16MatrixTflops, by) ?? measured.fp16Tflops,
      fp16AccumulateTflops: times(known?.fp16AccumulateTflops, by) ?? measured.fp16Tflops,
      tdpW: known?.tdpW ?? null,
      serving: servingOf(known, measured, source),
      adapterWords: known ? [...known.adapterWords] : [THIS_GPU],
      adapterWithout: known ? [...known.adapterWithout] : [],
      source: known ? `${source}; rates of matrix units and links: ${known.source}`.slice(0, 2000) : source,
    },
  };
}
