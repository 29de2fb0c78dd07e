/**
 * What ranks spend on talking: all-reduces of tensor parallelism, hand-overs of pipeline parallelism.
 *
 * An all-reduce has two regimes: kernels of the engine's own for small messages, NCCL for large ones. Measured times of
 * both, the faster of the two at each size, stand in a GPU's record; between two sizes time is a straight line. Where a
 * machine is only described, it is one line: latency + 2(n − 1)/n · bytes / bus.
 */
import { findGpu, type GpuRecord } from '../../core/hardware/records.ts';

/** One line for messages of every size. */
export interface AllReduceLine {
  readonly latencySeconds: number;
  readonly busBytesPerSecond: number;
}

/** Times of messages of rising sizes, two at least. */
export interface AllReduceCurve {
  readonly bytes: readonly number[];
  readonly seconds: readonly number[];
}

export type AllReduce = AllReduceLine | AllReduceCurve;

export interface KnownAllReduce extends AllReduceCurve {
  readonly measured: boolean;
  /** The GPU whose curve it is. */
  readonly like: string;
}

/**
 * For GPUs whose all-reduce nobody measured, the curve of one that was measured, with messages as much larger as its
 * link is faster: for GPUs with links of their own, and for those that talk over the host.
 */
const STAND_IN = { link: 'h100-sxm', host: 'l40s' } as const;
/** Unified memory has no link to itself; 16 lanes of PCIe 4.0 stand in for whatever joins two such machines. */
const NO_LINK_GBPS = 31.5;
/** Of a link's rate that one large message from GPU to GPU reaches. */
const SEND_SHARE = 0.7;
/** Hand-over of activations to the next stage (aiconfigurator: 10 µs). */
const SEND_SECONDS = 10e-6;

/** Seconds of one all-reduce of `bytes` among `ranks`. */
export function allReduceSeconds(bytes: number, ranks: number, how: AllReduce): number {
  if ('bytes' in how) return secondsOnCurve(bytes, how);
  return how.latencySeconds + ringAllReduceBytesPerRank(bytes, ranks) / how.busBytesPerSecond;
}

/** The same all-reduce, later by `seconds` whatever the message. */
export function delayedAllReduce(how: AllReduce, seconds: number): AllReduce {
  if (seconds === 0) return how;
  if ('bytes' in how) return { ...how, seconds: how.seconds.map((time) => time + seconds) };
  return { ...how, latencySeconds: how.latencySeconds + seconds };
}

/** The first time for what is smaller than the first message; the last line goes on for what is larger than the last. */
function secondsOnCurve(size: number, { bytes, seconds }: AllReduceCurve): number {
  let right = 1;
  while (right < bytes.length - 1 && size > (bytes[right] ?? 0)) right++;
  const from = bytes[right - 1] ?? 0;
  const start = seconds[right - 1] ?? 0;
  const slope = ((seconds[right] ?? 0) - start) / ((bytes[right] ?? 0) - from);
  return start + Math.max(0, size - from) * slope;
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

/** The measured curve of a record, for messages `scale` times as large. */
function curveOf({ serving }: GpuRecord, ranks: number, scale: number): AllReduceCurve | undefined {
  const point = pointOf(serving.allReduce?.points ?? [], ranks);
  return point && { bytes: point.bytes.map((n) => n * scale), seconds: point.us.map((us) => us * 1e-6) };
}

/** The all-reduce of `ranks` GPUs: measured where it was, else assumed. */
export function allReduceOf(gpu: GpuRecord, ranks: number): KnownAllReduce {
  const own = curveOf(gpu, ranks, 1);
  if (own) return { ...own, measured: true, like: gpu.name };
  const kind = gpu.serving.linkGBps === null ? 'host' : 'link';
  const other = findGpu(STAND_IN[kind]);
  const curve = other && curveOf(other, ranks, linkRate(gpu) / linkRate(other));
  if (!curve) throw new Error(`The record of ${STAND_IN[kind]} has no all-reduce.`);
  return { ...curve, measured: false, like: other.name };
}

/** GB/s of whatever joins GPUs. */
function linkRate({ serving: { linkGBps, hostGBps } }: GpuRecord): number {
  return linkGBps ?? hostGBps ?? NO_LINK_GBPS;
}

/** Seconds to hand `bytes` of activations to the next stage of a pipeline. */
export function sendSeconds(bytes: number, gpu: GpuRecord): number {
  return SEND_SECONDS + bytes / (linkRate(gpu) * SEND_SHARE * 1e9);
}
