/** A statistic over seeds: its mean, and the interval that independent repetitions give. */
import { studentQuantile } from '../../special.ts';
import type { Interval } from '../intervals.ts';
import { mean, standardDeviation } from '../percentiles.ts';

export interface OverSeeds {
  readonly mean: number;
  /** 95 % by Student's t; null for fewer than three seeds. */
  readonly interval: Interval | null;
  readonly seeds: number;
}

/** @returns null without values */
export function overSeeds(values: readonly number[]): OverSeeds | null {
  const seeds = values.length;
  if (seeds === 0) return null;
  const centre = mean(values);
  if (seeds < 3) return { mean: centre, interval: null, seeds };
  const half = (studentQuantile(0.975, seeds - 1) * standardDeviation(values)) / Math.sqrt(seeds);
  return { mean: centre, interval: { low: centre - half, high: centre + half }, seeds };
}
