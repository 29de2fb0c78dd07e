/** Series over time for drawing: sampled columns brought down to what a figure can show. */
import type { SimSeries } from '../../../core/run/simulation.ts';

/** Points of one series; more would lie within a pixel of each other. */
export const MAX_TIMES = 240;

type Column = readonly (number | null)[];

/** Bounds of at most `most` groups of neighbouring samples. */
function groups(length: number, most = MAX_TIMES): { from: number; to: number }[] {
  const count = Math.min(most, length);
  return Array.from({ length: count }, (_, i) => ({
    from: Math.floor((i * length) / count),
    to: Math.floor(((i + 1) * length) / count),
  }));
}

export type Fold = 'first' | 'max' | 'sum';

function fold(values: Column, how: Fold): number | null {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return null;
  if (how === 'sum') return known.reduce((sum, value) => sum + value, 0);
  return how === 'max' ? Math.max(...known) : (known[0] ?? null);
}

/** Times of the thinned samples. */
export function timesOf({ timeMs }: SimSeries, most = MAX_TIMES): number[] {
  return groups(timeMs.length, most).map(({ from }) => timeMs[from] ?? 0);
}

/** A column at those times: its largest value, its first, or the sum since the sample before. */
export function thinned(column: Column, how: Fold, most = MAX_TIMES): (number | null)[] {
  return groups(column.length, most).map(({ from, to }) => fold(column.slice(from, to), how));
}

/** Index of the sample whose parts add up to the most in each group, so that parts drawn together belong together. */
export function fullest(series: SimSeries, parts: readonly (keyof SimSeries)[]): number[] {
  const total = (i: number) => parts.reduce((sum, part) => sum + (series[part][i] ?? 0), 0);
  return groups(series.timeMs.length).map(({ from, to }) => {
    let best = from;
    for (let i = from + 1; i < to; i++) if (total(i) > total(best)) best = i;
    return best;
  });
}

/** Mean of a column over time: each value holds until the next sample. Null without two samples. */
export function timeMean({ timeMs }: SimSeries, column: Column): number | null {
  let [area, span] = [0, 0];
  for (let i = 1; i < timeMs.length; i++) {
    const value = column[i - 1] ?? null;
    const length = (timeMs[i] ?? 0) - (timeMs[i - 1] ?? 0);
    if (value === null) continue;
    area += value * length;
    span += length;
  }
  return span > 0 ? area / span : null;
}

/** Share of the time in which the column is above zero. */
export function shareAboveZero(series: SimSeries, column: Column): number | null {
  return timeMean(
    series,
    column.map((value) => (value === null ? null : value > 0 ? 1 : 0)),
  );
}

export function peakOf(column: Column): { readonly value: number; readonly index: number } | null {
  let best: { value: number; index: number } | null = null;
  for (const [index, value] of column.entries()) {
    if (value !== null && (best === null || value > best.value)) best = { value, index };
  }
  return best;
}

export function sumOf(column: Column): number {
  return column.reduce<number>((sum, value) => sum + (value ?? 0), 0);
}
