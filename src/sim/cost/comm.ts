/**
 * What ranks spend on talking: all-reduces of tensor parallelism, hand-overs of pipeline parallelism.
 *
 *   all-reduce(bytes, n) = latency + 2(n − 1)/n · bytes / bus
 *
 * Measured latencies and buses stand in a GPU's record. Where a GPU has none, they are assumed: see ASSUMED.
 */
import type { GpuRecord } from '../../core/hardware/records.ts';

export interface AllReduce {
  readonly latencySeconds: number;
  readonly busBytesPerSecond: number;
}

/**
 * For GPUs whose all-reduce nobody measured: 30 µs, the mean of the fits to A100 and H100, and of the link 0.7, which the
 * H100 reaches of its 450 GB/s; over the host link both directions pass through the host, so half of that.
 */
const ASSUMED = { latencySeconds: 30e-6, linkShare: 0.7, hostShare: 0.35 } as const;
/** Hand-over of activations to the next stage (aiconfigurator: 10 µs). */
const SEND_SECONDS = 10e-6;

/** Seconds of one all-reduce of `bytes` among `ranks`. */
export function allReduceSeconds(
  bytes: number,
  ranks: number,
  { latencySeconds, busBytesPerSecond }: AllReduce,
): number {
  return latencySeconds + ringAllReduceBytesPerRank(bytes, ranks) / busBytesPerSecond;
}

/** Bytes that each rank sends in a ring. */
export function ringAllReduceBytesPerRank(bytes: number, ranks: number): number {
  return ((2 * (ranks - 1)) / ranks) * bytes;
}

/** One after the mixer and one after the perceptron of each layer; none on one rank. */
export function tpAllReducesPerStep(layers: number, ranks: number): number {
  return ranks === 1 ? 0 : 2 * layers;
}

function linkBytesPerSecond({ serving: { linkGBps, hostGBps } }: GpuRecord): number {
  if (linkGBps !== null) return linkGBps * ASSUMED.linkShare * 1e9;
  // Unified memory has no link to itself; 16 lanes of PCIe 4.0 stand in for whatever joins two such machines.
  return (hostGBps ?? 31.5) * ASSUMED.hostShare * 1e9;
}

/** The all-reduce of `ranks` GPUs: the measured point of that many, else of the next larger group, else assumed. */
export function allReduceOf(gpu: GpuRecord, ranks: number): AllReduce & { readonly measured: boolean } {
  const points = gpu.serving.allReduce?.points ?? [];
  const point = points.find((candidate) => candidate.ranks >= ranks) ?? points.at(-1);
  if (point) {
    const busBytesPerSecond = point.busGBps * 1e9;
    return { latencySeconds: point.latencyUs * 1e-6, busBytesPerSecond, measured: true };
  }
  return {
    latencySeconds: ASSUMED.latencySeconds,
    busBytesPerSecond: linkBytesPerSecond(gpu),
    measured: false,
  };
}

/** Seconds to hand `bytes` of activations to the next stage of a pipeline. */
export function sendSeconds(bytes: number, gpu: GpuRecord): number {
  return SEND_SECONDS + bytes / linkBytesPerSecond(gpu);
}
