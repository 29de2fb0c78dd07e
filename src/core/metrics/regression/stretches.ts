/**
 * What a statistic could have been: stretches of successive requests are drawn again, because neighbours share a queue and
 * are not independent. Two runs of the same arrivals are drawn together, so that what the arrivals do to both cancels.
 *
 * A repetition of few requests is one stretch. Statistics of a draw are nearest-rank percentiles: a draw needs no finer one.
 */
import type { Random } from '../../random.ts';
import { orderOf } from '../serving/order.ts';
import type { Statistic } from './quantity.ts';
import type { SampledLatency, SampledRepetition, SampledRows } from './sampled.ts';

const STRETCHES = 40;
const FEWEST_IN_A_STRETCH = 5;
/** Fewer stretches show no spread that one could rely on. */
export const FEWEST_STRETCHES = 8;
export const DRAWS = 1000;

/** Samples of one side in ascending order, and the stretch that each belongs to. */
export interface Stretched {
  readonly values: Float64Array;
  readonly stretches: Uint32Array;
  readonly numStretches: number;
}

export type StretchedOf = SampledLatency | 'kept' | 'failed';

function samplesOf(
  rows: SampledRows,
  of: StretchedOf,
): { values: Float64Array; row: (i: number) => number } | null {
  if (of === 'itl') {
    const { gaps } = rows;
    return gaps && { values: gaps.values, row: (i) => gaps.rows[i] ?? 0 };
  }
  const values = of === 'kept' || of === 'failed' ? rows[of] : rows.latencies[of];
  return values && { values, row: (i) => i };
}

/** Stretches of each repetition: about so many in all, of five requests or more. */
function stretchesPer(repetitions: readonly SampledRows[], most: number): number[] {
  const total = repetitions.reduce((sum, { arrivalMs }) => sum + arrivalMs.length, 0);
  return repetitions.map(({ arrivalMs: { length } }) =>
    Math.max(1, Math.min(Math.floor(length / FEWEST_IN_A_STRETCH), Math.round((most * length) / total))),
  );
}

/** null where a repetition does not keep all of it. */
export function stretched(
  repetitions: readonly SampledRepetition[],
  of: StretchedOf,
  most = STRETCHES,
): Stretched | null {
  const all = repetitions.flatMap(({ rows }) => rows ?? []);
  if (all.length < repetitions.length) return null;
  const per = stretchesPer(all, most);
  const values: number[] = [];
  const owners: number[] = [];
  let first = 0;
  for (const [index, rows] of all.entries()) {
    const samples = samplesOf(rows, of);
    if (samples === null) return null;
    const count = per[index] ?? 1;
    const { length } = rows.arrivalMs;
    samples.values.forEach((value, i) => {
      if (Number.isNaN(value)) return;
      values.push(value);
      owners.push(first + Math.min(count - 1, Math.floor((samples.row(i) * count) / length)));
    });
    first += count;
  }
  const column = Float64Array.from(values);
  const order = orderOf(column, column.length);
  return {
    values: Float64Array.from(order, (at) => column[at] ?? 0),
    stretches: Uint32Array.from(order, (at) => owners[at] ?? 0),
    numStretches: first,
  };
}

/** Correlation of each stretch's mean with the next one's. */
function likeness({ values, stretches, numStretches }: Stretched): number {
  const [sums, counts] = [new Float64Array(numStretches), new Float64Array(numStretches)];
  values.forEach((value, i) => {
    const at = stretches[i] ?? 0;
    sums[at] = (sums[at] ?? 0) + value;
    counts[at] = (counts[at] ?? 0) + 1;
  });
  const means = sums.map((sum, at) => sum / Math.max(1, counts[at] ?? 0));
  const centre = means.reduce((sum, value) => sum + value, 0) / numStretches;
  let [together, alone] = [0, 0];
  means.forEach((value, at) => {
    alone += (value - centre) ** 2;
    if (at + 1 < numStretches) together += (value - centre) * ((means[at + 1] ?? centre) - centre);
  });
  return alone > 0 ? together / alone : 0;
}

/** Neighbouring stretches resemble each other so little that they may be drawn as if they did not. */
const UNLIKE = 0.1;

/**
 * How many stretches: 40, or fewer and longer ones where neighbours still resemble each other, as they do in a long queue.
 * Forty of ten requests each would let a rule of 5 % be broken by chance 10 times of 100 under a correlation of 0.8.
 */
export function numStretches(repetitions: readonly SampledRepetition[], of: StretchedOf): number {
  for (let most = STRETCHES; most > 2 * FEWEST_STRETCHES; most = Math.floor(most / 2)) {
    const side = stretched(repetitions, of, most);
    if (side === null || likeness(side) <= UNLIKE) return most;
  }
  return FEWEST_STRETCHES + 2;
}

/** Both sides had the same requests at the same times, repetition by repetition. */
export function sameArrivals(a: readonly SampledRepetition[], b: readonly SampledRepetition[]): boolean {
  if (a.length !== b.length) return false;
  return a.every(({ rows }, i) => {
    const other = b[i]?.rows ?? null;
    if (rows === null || other === null) return false;
    const same = (x: Float64Array, y: Float64Array): boolean =>
      x.length === y.length && x.every((value, row) => value === y[row]);
    return same(rows.arrivalMs, other.arrivalMs) && same(rows.promptTokens, other.promptTokens);
  });
}

function weightedStatistic(
  { values, stretches }: Stretched,
  weights: Uint16Array,
  statistic: Statistic,
): number {
  let [total, sum] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const weight = weights[stretches[i] ?? 0] ?? 0;
    total += weight;
    sum += weight * (values[i] ?? 0);
  }
  if (total === 0) return NaN;
  if (statistic === 'mean') return sum / total;
  const rank = Math.max(1, Math.ceil((statistic * total) / 100));
  for (let i = 0, passed = 0; i < values.length; i++) {
    passed += weights[stretches[i] ?? 0] ?? 0;
    if (passed >= rank) return values[i] ?? NaN;
  }
  return NaN;
}

function drawWeights(count: number, random: Random): Uint16Array {
  const weights = new Uint16Array(count);
  for (let i = 0; i < count; i++) {
    const at = random.below(count);
    weights[at] = (weights[at] ?? 0) + 1;
  }
  return weights;
}

/** The statistic of one side, drawn again and again; what was no number is left out. */
export function drawnOne(side: Stretched, statistic: Statistic, random: Random, draws = DRAWS): number[] {
  const found: number[] = [];
  for (let draw = 0; draw < draws; draw++) {
    const value = weightedStatistic(side, drawWeights(side.numStretches, random), statistic);
    if (Number.isFinite(value)) found.push(value);
  }
  return found;
}

/**
 * What `compare` makes of the statistic on both sides, drawn again and again.
 * @param together the same stretches on both sides
 */
export function drawnPair(
  a: Stretched,
  b: Stretched,
  statistic: Statistic,
  together: boolean,
  compare: (a: number, b: number) => number,
  random: Random,
  draws = DRAWS,
): number[] {
  const found: number[] = [];
  for (let draw = 0; draw < draws; draw++) {
    const weights = drawWeights(a.numStretches, random);
    const others = together ? weights : drawWeights(b.numStretches, random);
    const value = compare(weightedStatistic(a, weights, statistic), weightedStatistic(b, others, statistic));
    if (Number.isFinite(value)) found.push(value);
  }
  return found;
}
