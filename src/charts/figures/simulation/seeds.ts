/** One number over the repetitions of a point: their mean, with Student's interval where there are at least three. */
import { studentQuantile } from '../../../core/special.ts';
import type { FigurePoint } from '../../figure.ts';

export const SEED_INTERVAL = '95\u00a0% interval of the mean over seeds (Student’s t)';

const FEWEST = 3;

export interface SeedEstimate {
  readonly value: number;
  readonly low?: number;
  readonly high?: number;
  readonly n: number;
}

/** null without values. */
export function overSeeds(values: readonly number[]): SeedEstimate | null {
  const n = values.length;
  if (n === 0) return null;
  const value = values.reduce((sum, x) => sum + x, 0) / n;
  if (n < FEWEST) return { value, n };
  const squares = values.reduce((sum, x) => sum + (x - value) * (x - value), 0);
  const half = studentQuantile(0.975, n - 1) * Math.sqrt(squares / (n - 1) / n);
  return { value, low: value - half, high: value + half, n };
}

/** A point of a figure; a gap with its reason without values. */
export function seedPoint(x: number | string, values: readonly number[], reason: string): FigurePoint {
  const estimate = overSeeds(values);
  if (estimate === null) return { x, y: null, reason };
  const { value, low, high, n } = estimate;
  const interval = low === undefined || high === undefined ? {} : { low: Math.max(0, low), high };
  return { x, y: value, ...interval, ...(n > 1 ? { n } : {}) };
}
