/**
 * Drift: whether a run became slower (throttling, another load) or faster (a late warm-up) while it was measured.
 *
 * Repetitions of all points are interleaved in time, so each repetition's decode step, divided by the median of its
 * point, is a speed reading of the device at that moment. A robust line through the readings is the drift.
 */
import type { Point } from '../run/schema.ts';
import { robustSlope, type Observation } from './fits.ts';
import type { Interval } from './intervals.ts';
import { median } from './percentiles.ts';
import { hasRepetitions } from './samples.ts';

export interface Drift {
  /** Change of step time from the first to the last repetition: 0.1 is 10 % slower. */
  readonly change: number;
  readonly interval: Interval;
  readonly readings: number;
  /** The interval excludes 0 and the change is at least DRIFT_THRESHOLD. */
  readonly found: boolean;
  readonly sentence: string;
}

export const DRIFT_THRESHOLD = 0.05;

function readings(points: readonly Point[]): Observation[] {
  return points.filter(hasRepetitions).flatMap(({ repetitions }) => {
    const values = repetitions.flatMap(({ steps, startedMs }) => {
      const decode = steps.filter(({ phase }) => phase === 'decode').map(({ wallMs }) => wallMs);
      return decode.length === 0 ? [] : [{ x: startedMs, y: median(decode) }];
    });
    const centre = values.length > 1 ? median(values.map(({ y }) => y)) : 0;
    return centre > 0 ? values.map(({ x, y }) => ({ x, y: y / centre })) : [];
  });
}

function percent(change: number): string {
  return `${Math.round(Math.abs(change) * 100)} %`;
}

function sentenceOf(change: number, { low, high }: Interval, found: boolean): string {
  const span = `95 % interval ${Math.round(low * 100)} to ${Math.round(high * 100)} %`;
  if (!found)
    return `No drift was found: step times changed by ${Math.round(change * 100)} % over the run (${span}).`;
  return change > 0
    ? `Steps became ${percent(change)} slower over the run (${span}): the device throttles or does other work; let it cool and repeat.`
    : `Steps became ${percent(change)} faster over the run (${span}): the warm-up was too short; raise measurement.warmupRepeats.`;
}

/** Drift of a run; null when there are too few repetitions to tell. */
export function detectDrift(points: readonly Point[]): Drift | null {
  const observations = readings(points);
  const slope = robustSlope(observations);
  if (slope === null) return null;
  const times = observations.map(({ x }) => x);
  const span = Math.max(...times) - Math.min(...times);
  const change = slope.slope * span;
  const interval = { low: slope.interval.low * span, high: slope.interval.high * span };
  const found = (interval.low > 0 || interval.high < 0) && Math.abs(change) >= DRIFT_THRESHOLD;
  return {
    change,
    interval,
    readings: observations.length,
    found,
    sentence: sentenceOf(change, interval, found),
  };
}
