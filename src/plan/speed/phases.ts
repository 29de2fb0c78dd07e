/** A phase in the roofline's terms: intensity against ridge, what binds it, shares of the published rates. */
import type { GpuRecord } from '../../core/hardware/records.ts';
import type { PlanOperation, PlanPhase } from '../../core/run/plan.ts';
import { matrixFlops } from '../../sim/cost/rates.ts';
import type { SpeedChoice } from './settings.ts';

/** FLOP a byte at which arithmetic in the weights' format takes as long as reading. */
export function ridgeOf(gpu: GpuRecord, weights: SpeedChoice['weights']): number {
  return matrixFlops(gpu, weights) / (gpu.bandwidthGBps * 1e9);
}

/** The bound that takes the most time. */
function boundOf(operations: readonly PlanOperation[]): PlanPhase['bound'] {
  const ms = { compute: 0, memory: 0, communication: 0, latency: 0 };
  for (const operation of operations) ms[operation.bound] += operation.ms;
  const order = ['compute', 'memory', 'communication', 'latency'] as const;
  return order.reduce((most, bound) => (ms[bound] > ms[most] ? bound : most));
}

/** @param operations of one step of one phase */
export function phaseOf(
  operations: readonly PlanOperation[],
  gpu: GpuRecord,
  weights: SpeedChoice['weights'],
): PlanPhase {
  let flops = 0;
  let bytes = 0;
  let seconds = 0;
  for (const operation of operations) {
    seconds += operation.ms / 1000;
    if (operation.bound === 'communication') continue;
    flops += operation.flops;
    bytes += operation.bytes;
  }
  return {
    arithmeticIntensity: bytes > 0 ? flops / bytes : 0,
    ridge: ridgeOf(gpu, weights),
    peakTflops: matrixFlops(gpu, weights) / 1e12,
    bandwidthGBps: gpu.bandwidthGBps,
    bound: boundOf(operations),
    mfu: seconds > 0 ? flops / (seconds * matrixFlops(gpu, weights)) : 0,
    mbu: seconds > 0 ? bytes / (seconds * gpu.bandwidthGBps * 1e9) : 0,
  };
}
