/** Request columns of any run as rows of samples: spans between moments, who kept the objectives, who failed. */
import { meets } from '../requests.ts';
import type { ServingObjectives } from '../serving/summary.ts';
import type { SampledLatency, SampledRows, SummedUp } from './sampled.ts';
import type { SimDistribution } from '../../run/simulation.ts';

type Column = readonly (number | null)[];

/** Moments of every request, milliseconds from the repetition's start; null where it did not happen. */
export interface Moments {
  readonly arrivalMs: Column;
  /** First scheduled; null where nobody says. */
  readonly startMs: Column | null;
  readonly firstTokenMs: Column;
  readonly endMs: Column;
  readonly promptTokens: Column;
  /** Tokens that came. */
  readonly tokens: (row: number) => number;
  /** Whether it was sent at all. */
  readonly sent: (row: number) => boolean;
}

function span(to: Column, from: Column, row: number): number {
  return (to[row] ?? NaN) - (from[row] ?? NaN);
}

function hasObjectives({ ttftMs, tpotMs, e2eMs }: ServingObjectives): boolean {
  return ttftMs !== null || tpotMs !== null || e2eMs !== null;
}

/** @param gaps of requests that ended */
export function rowsOf(
  moments: Moments,
  objectives: ServingObjectives,
  gaps: SampledRows['gaps'],
): SampledRows {
  const { arrivalMs, startMs, firstTokenMs, endMs, promptTokens, tokens, sent } = moments;
  const size = arrivalMs.length;
  const column = (of: (row: number) => number) => Float64Array.from({ length: size }, (_, row) => of(row));
  const ended = (row: number): boolean => (endMs[row] ?? null) !== null;
  const ifEnded = (of: (row: number) => number) => column((row) => (ended(row) ? of(row) : NaN));
  const ttft = ifEnded((row) => span(firstTokenMs, arrivalMs, row));
  const e2e = ifEnded((row) => span(endMs, arrivalMs, row));
  const tpot = ifEnded((row) => (tokens(row) > 1 ? span(endMs, firstTokenMs, row) / (tokens(row) - 1) : NaN));
  const queue = ifEnded((row) => (startMs === null ? NaN : span(startMs, arrivalMs, row)));
  const good = (row: number): boolean =>
    ended(row) &&
    meets(objectives, ttft[row] ?? NaN, Number.isNaN(tpot[row]) ? 0 : (tpot[row] ?? NaN)) &&
    (e2e[row] ?? NaN) <= (objectives.e2eMs ?? Infinity);
  return {
    arrivalMs: column((row) => arrivalMs[row] ?? NaN),
    promptTokens: column((row) => promptTokens[row] ?? 0),
    latencies: { ttft, tpot, e2e, queue },
    gaps,
    kept: hasObjectives(objectives) ? column((row) => (good(row) ? 1 : 0)) : null,
    failed: column((row) => (sent(row) && !ended(row) ? 1 : 0)),
  };
}

/** Gaps between successive moments of each row, `counts` moments a row one after another. */
export function gapsOf(
  counts: readonly (number | null)[],
  moments: readonly number[],
  counted: (row: number) => boolean,
): NonNullable<SampledRows['gaps']> {
  const values: number[] = [];
  const rows: number[] = [];
  let at = 0;
  counts.forEach((count, row) => {
    const end = at + (count ?? 0);
    for (let i = at + 1; counted(row) && i < end; i++) {
      values.push((moments[i] ?? NaN) - (moments[i - 1] ?? NaN));
      rows.push(row);
    }
    at = end;
  });
  return { values: Float64Array.from(values), rows: Uint32Array.from(rows) };
}

export function summedUp(distribution: SimDistribution | null): SummedUp | null {
  if (distribution === null) return null;
  const { mean, samples, quantiles, p50, p90, p95, p99, p999 } = distribution;
  return { mean, samples, quantiles, exact: { 50: p50, 90: p90, 95: p95, 99: p99, 99.9: p999 } };
}

export const NOTHING_SUMMED: Readonly<Record<SampledLatency, null>> = {
  ttft: null,
  tpot: null,
  itl: null,
  e2e: null,
  queue: null,
};
