/**
 * The loss of quality on shadowed sequences, as a test that may be looked at after every sample (mSPRT).
 *
 * Two losses a sample: nats of KL, and 1 − top-1 agreement. The loss of a plan is the larger mean; each gets half of α.
 * Positions of one sequence resemble each other, so the variance is the larger of that between positions and that between
 * sequences (clusters). It is estimated from the samples, which the ratio's promise takes as known: with few samples a
 * pseudo-count keeps it above zero, so that a dozen samples without a loss prove little.
 */
import { alwaysValidHalfWidth } from '../../core/metrics/sequential.ts';
import type { ShadowSample } from '../plant.ts';

export interface QualityTest {
  readonly samples: number;
  readonly sequences: number;
  /** The larger of the two mean losses. */
  readonly delta: number;
  /** Bounds of it that hold however often one looks, each with confidence 1 − α. */
  readonly lower: number;
  readonly upper: number;
}

interface Loss {
  readonly mean: number;
  readonly half: number;
}

/** Expected size of a loss where the policy's budget is zero. */
const LEAST_EXPECTED = 0.01;

/** Σ and count of each sequence's losses. */
function clusters(
  samples: readonly ShadowSample[],
  loss: (sample: ShadowSample) => number,
): { sum: number; n: number }[] {
  const bySequence = new Map<string, { sum: number; n: number }>();
  for (const sample of samples) {
    const cluster = bySequence.get(sample.sequence) ?? { sum: 0, n: 0 };
    cluster.sum += loss(sample);
    cluster.n += 1;
    bySequence.set(sample.sequence, cluster);
  }
  return [...bySequence.values()];
}

/** σ² of one sample, as if samples were independent: n · variance of the mean. */
function varianceOf(
  samples: readonly ShadowSample[],
  loss: (sample: ShadowSample) => number,
  mean: number,
): number {
  const n = samples.length;
  const between = samples.reduce((sum, sample) => sum + (loss(sample) - mean) * (loss(sample) - mean), 0) / n;
  // One loss of the size 1 in n + 2, as if it had been seen.
  const share = 1 / (n + 2);
  const floor = share * (1 - share) * Math.min(1, Math.max(mean, share));
  const groups = clusters(samples, loss);
  const spread = groups.reduce(
    (sum, group) => sum + (group.sum - group.n * mean) * (group.sum - group.n * mean),
    0,
  );
  const clustered = groups.length < 2 ? 0 : (spread * groups.length) / (groups.length - 1) / n;
  return Math.max(between, clustered, floor);
}

function lossOf(
  samples: readonly ShadowSample[],
  loss: (sample: ShadowSample) => number,
  { expected, alpha }: { expected: number; alpha: number },
): Loss {
  const n = samples.length;
  const mean = samples.reduce((sum, sample) => sum + loss(sample), 0) / n;
  const variance = varianceOf(samples, loss, mean);
  return { mean, half: alwaysValidHalfWidth({ n, variance, mixture: expected * expected, alpha }) };
}

/** @param budget the policy's maxQualityDelta: losses of that size are looked for. Null without samples. */
export function testQuality(
  samples: readonly ShadowSample[],
  budget: number,
  alpha: number,
): QualityTest | null {
  if (samples.length === 0) return null;
  const options = { expected: Math.max(budget, LEAST_EXPECTED), alpha: alpha / 2 };
  const kl = lossOf(samples, (sample) => sample.kl, options);
  const top1 = lossOf(samples, (sample) => 1 - sample.top1, options);
  return {
    samples: samples.length,
    sequences: new Set(samples.map(({ sequence }) => sequence)).size,
    delta: Math.max(kl.mean, top1.mean),
    lower: Math.max(0, kl.mean - kl.half, top1.mean - top1.half),
    upper: Math.max(kl.mean + kl.half, top1.mean + top1.half),
  };
}
