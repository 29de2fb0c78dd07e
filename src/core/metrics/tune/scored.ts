/**
 * Measurements beside their baseline: each is compared with what the baseline measured in the same block at the same time,
 * between two of its measurements by a straight line.
 */
import type { TuneMetrics, TuneSamples } from '../../run/tune.ts';
import type { ScoredSample } from './estimate.ts';
import type { GoalWeights } from '../../scenario/tune/schema.ts';
import { gainsOf, logScore, type Gains } from './gains.ts';

export interface Scored extends ScoredSample {
  readonly block: number;
  readonly gains: Gains;
  readonly metrics: TuneMetrics;
}

export const BASELINE = 0;

interface Anchor {
  readonly at: number;
  readonly metrics: TuneMetrics;
}

export function metricsAt(samples: TuneSamples, at: number): TuneMetrics {
  return {
    ttftMs: samples.ttftMs[at] ?? 0,
    tpotMs: samples.tpotMs[at] ?? 0,
    outputTokensPerSecond: samples.outputTokensPerSecond[at] ?? 0,
    memoryBytes: samples.memoryBytes[at] ?? 0,
  };
}

function anchorsByBlock(samples: TuneSamples): Map<number, Anchor[]> {
  const blocks = new Map<number, Anchor[]>();
  samples.candidate.forEach((candidate, at) => {
    if (candidate !== BASELINE) return;
    const block = samples.block[at] ?? 0;
    blocks.set(block, [...(blocks.get(block) ?? []), { at, metrics: metricsAt(samples, at) }]);
  });
  return blocks;
}

function between(before: TuneMetrics, after: TuneMetrics, share: number): TuneMetrics {
  const mix = (a: number, b: number): number => a + share * (b - a);
  return {
    ttftMs: mix(before.ttftMs, after.ttftMs),
    tpotMs: mix(before.tpotMs, after.tpotMs),
    outputTokensPerSecond: mix(before.outputTokensPerSecond, after.outputTokensPerSecond),
    memoryBytes: mix(before.memoryBytes, after.memoryBytes),
  };
}

/** What the baseline would have measured at a place in the order of time. */
function baselineAt(anchors: readonly Anchor[], at: number): TuneMetrics | null {
  const before = anchors.findLast((anchor) => anchor.at <= at);
  const after = anchors.find((anchor) => anchor.at >= at);
  if (before === undefined || after === undefined) return (before ?? after)?.metrics ?? null;
  if (before.at === after.at) return before.metrics;
  return between(before.metrics, after.metrics, (at - before.at) / (after.at - before.at));
}

/** Every measurement of a block that has a baseline, in the order of time. */
export function scoreSamples(samples: TuneSamples, weights: GoalWeights): Scored[] {
  const anchors = anchorsByBlock(samples);
  return samples.candidate.flatMap((candidate, at) => {
    const baseline = baselineAt(anchors.get(samples.block[at] ?? 0) ?? [], at);
    if (baseline === null) return [];
    const metrics = metricsAt(samples, at);
    const gains = gainsOf(metrics, baseline);
    const block = samples.block[at] ?? 0;
    const cell = samples.cell[at] ?? 0;
    return [{ candidate, cell, block, gains, metrics, logScore: logScore(gains, weights) }];
  });
}
