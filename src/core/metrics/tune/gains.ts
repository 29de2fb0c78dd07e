/**
 * What a measurement is worth: how much better than the baseline beside it, by a profile's weights.
 *
 *   gain of TTFT = baseline / measured, of throughput = measured / baseline, of memory = baseline / measured
 *   score = 100 · Π gain^weight
 *
 * A ratio has no ceiling: twice as fast is twice, at any speed, so the score does not saturate, and memory counts as much
 * as its weight says. Both sides of a ratio are of one block of measurements, so slow drift of a device cancels.
 */
import { exp, log } from '../../math.ts';
import type { TuneMetrics } from '../../run/tune.ts';
import type { GoalWeights } from '../../scenario/tune/schema.ts';

export interface Gains {
  readonly ttft: number;
  readonly throughput: number;
  readonly memory: number;
}

/** The smallest that a time, a rate or a size counts as, so that a zero is a large gain and no infinity. */
const LEAST = 1e-9;

function ratio(a: number, b: number): number {
  return Math.max(LEAST, a) / Math.max(LEAST, b);
}

export function gainsOf(measured: TuneMetrics, baseline: TuneMetrics): Gains {
  return {
    ttft: ratio(baseline.ttftMs, measured.ttftMs),
    throughput: ratio(measured.outputTokensPerSecond, baseline.outputTokensPerSecond),
    memory: ratio(baseline.memoryBytes, measured.memoryBytes),
  };
}

/** Natural logarithm of score / 100: the baseline is 0, and measurements add up. */
export function logScore({ ttft, throughput, memory }: Gains, weights: GoalWeights): number {
  return weights.ttft * log(ttft) + weights.throughput * log(throughput) + weights.memory * log(memory);
}

export function scoreOf(logScore: number): number {
  return 100 * exp(logScore);
}

/** Of each gain by itself. */
export function geometricMean(gains: readonly Gains[]): Gains | null {
  if (gains.length === 0) return null;
  const mean = (of: (gain: Gains) => number): number =>
    exp(gains.reduce((sum, gain) => sum + log(Math.max(LEAST, of(gain))), 0) / gains.length);
  return {
    ttft: mean(({ ttft }) => ttft),
    throughput: mean(({ throughput }) => throughput),
    memory: mean(({ memory }) => memory),
  };
}
