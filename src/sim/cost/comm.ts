/**
 * What ranks spend on talking: all-reduces of tensor parallelism, hand-overs of pipeline parallelism.
 *
 *   all-reduce(bytes, n) = latency + 2(n − 1)/n · bytes / bus
 *
 * Measured latencies and buses stand in a GPU's record. Where a GPU has none, they are assumed: see LINK and HOST.
 */
import type { GpuRecord } from '../../core/hardware/records.ts';

export interface AllReduce {
  readonly latencySeconds: number;
  readonly busBytesPerSecond: number;
}

/**
 * For GPUs whose all-reduce nobody measured. Links of their own: 5 µs, and of the link the 0.29 that A100 and H100 reach.
 * Over the host: what the L40S shows for two, four and eight of them, as shares of its 31.5 GB/s.
 */
const LINK = { latencySeconds: 5e-6, share: 0.29 } as const;
const HOST: readonly { readonly ranks: number; readonly latencySeconds: number; readonly share: number }[] = [
  { ranks: 2, latencySeconds: 5.3e-6, share: 0.32 },
  { ranks: 4, latencySeconds: 11.3e-6, share: 0.08 },
  { ranks: 8, latencySeconds: 20.5e-6, share: 0.032 },
];
/** Unified memory has no link to itself; 16 lanes of PCIe 4.0 stand in for whatever joins two such machines. */
const NO_LINK_GBPS = 31.5;
/** Of a link's rate that one large message from GPU to GPU reaches. */
const SEND_SHARE = 0.7;
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

/** The point of that many ranks, else of the next larger group, else of the largest. */
function pointOf<T extends { readonly ranks: number }>(points: readonly T[], ranks: number): T | undefined {
  return points.find((candidate) => candidate.ranks >= ranks) ?? points.at(-1);
}

/** The all-reduce of `ranks` GPUs: measured where it was, else assumed. */
export function allReduceOf(
  { serving }: GpuRecord,
  ranks: number,
): AllReduce & { readonly measured: boolean } {
  const point = pointOf(serving.allReduce?.points ?? [], ranks);
  if (point) {
    const busBytesPerSecond = point.busGBps * 1e9;
    return { latencySeconds: point.latencyUs * 1e-6, busBytesPerSecond, measured: true };
  }
  const { linkGBps, hostGBps } = serving;
  const assumed = linkGBps === null ? (pointOf(HOST, ranks) ?? LINK) : LINK;
  const rate = (linkGBps ?? hostGBps ?? NO_LINK_GBPS) * 1e9;
  return {
    latencySeconds: assumed.latencySeconds,
    busBytesPerSecond: rate * assumed.share,
    measured: false,
  };
}

/** Seconds to hand `bytes` of activations to the next stage of a pipeline. */
export function sendSeconds(bytes: number, { serving: { linkGBps, hostGBps } }: GpuRecord): number {
  return SEND_SECONDS + bytes / ((linkGBps ?? hostGBps ?? NO_LINK_GBPS) * SEND_SHARE * 1e9);
}
