/**
 * Known GPUs: gpus.json, one row a device with its source. Published numbers of makers and databases, not measurements:
 * a measured rate is always preferred. Rates are dense; GB = 10⁹ bytes.
 */
import * as v from 'valibot';
import rows from './gpus.json' with { type: 'json' };

const positive = v.pipe(v.number(), v.minValue(0.001), v.maxValue(1e6));

export const GpuRecord = v.strictObject({
  id: v.pipe(v.string(), v.regex(/^[a-z0-9.-]+$/)),
  name: v.string(),
  vendor: v.picklist(['nvidia', 'amd', 'intel', 'apple', 'qualcomm']),
  kind: v.picklist(['datacenter', 'desktop', 'laptop', 'integrated']),
  /** Largest configuration where there are several. */
  memoryGB: positive,
  /** The memory is the system's, shared with the processor. */
  sharedMemory: v.boolean(),
  bandwidthGBps: positive,
  fp32Tflops: positive,
  /** Matrix units, f32 accumulation; null where there are none or none is published. */
  fp16MatrixTflops: v.nullable(positive),
  tdpW: v.nullable(positive),
  source: v.pipe(v.string(), v.minLength(10)),
});
export type GpuRecord = v.InferOutput<typeof GpuRecord>;

export const GPUS: readonly GpuRecord[] = v.parse(v.array(GpuRecord), rows);

/** A GPU by id or name, letter case aside. */
export function findGpu(name: string): GpuRecord | undefined {
  const wanted = name.toLowerCase();
  return GPUS.find((gpu) => gpu.id === wanted || gpu.name.toLowerCase() === wanted);
}

/** f32 FLOP a byte of memory traffic: below about 40, decoding int4 is bound by arithmetic. */
export function ridgeFlopPerByte({ fp32Tflops, bandwidthGBps }: GpuRecord): number {
  return (fp32Tflops * 1000) / bandwidthGBps;
}
