/** One number over the repetitions of a point: their mean, with Student's interval where there are at least three. */
import { overSeeds as meanOverSeeds } from '../../../core/metrics/serving/seeds.ts';
import type { FigurePoint } from '../../figure.ts';

export const SEED_INTERVAL = '95\u00a0% interval of the mean over seeds (Student’s t)';

export interface SeedEstimate {
  readonly value: number;
  readonly low?: number;
  readonly high?: number;
  readonly n: number;
}

/** null without values. */
export function overSeeds(values: readonly number[]): SeedEstimate | null {
  const found = meanOverSeeds(values);
  if (found === null) return null;
  const { mean, interval, seeds } = found;
  return { value: mean, ...(interval === null ? {} : interval), n: seeds };
}

const TIE = 0.01;

/** True for values within 1 % of each other, or with intervals that overlap: neither is named the better. */
export function isTie(a: SeedEstimate, b: SeedEstimate): boolean {
  if (Math.abs(a.value - b.value) <= TIE * Math.max(Math.abs(a.value), Math.abs(b.value))) return true;
  if (a.low === undefined || a.high === undefined || b.low === undefined || b.high === undefined)
    return false;
  return a.low <= b.high && b.low <= a.high;
}

/** A point of a figure; a gap with its reason without values. */
export function seedPoint(x: number | string, values: readonly number[], reason: string): FigurePoint {
  const estimate = overSeeds(values);
  if (estimate === null) return { x, y: null, reason };
  const { value, low, high, n } = estimate;
  const interval = low === undefined || high === undefined ? {} : { low: Math.max(0, low), high };
  return { x, y: value, ...interval, ...(n > 1 ? { n } : {}) };
}
