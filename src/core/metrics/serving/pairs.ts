/**
 * The ratio of a statistic between two runs of the same requests, by drawing stretches of successive requests again,
 * the same stretches for both. Stretches and not single requests, because neighbours share a queue.
 */
import type { Random } from '../../random.ts';
import type { SimRepetition, SimRequests } from '../../run/simulation.ts';
import { percentileInterval, type Interval } from '../intervals.ts';
import { orderOf } from './order.ts';

export type RequestLatency = 'ttftMs' | 'tpotMs' | 'e2eMs' | 'queueMs';
export type RequestStatistic = 'mean' | 'p50' | 'p90' | 'p95' | 'p99';

const STRETCHES = 40;
const FEWEST_IN_A_STRETCH = 5;
const DRAWS = 400;

const OF: Readonly<Record<RequestLatency, (requests: SimRequests, row: number) => number>> = {
  ttftMs: ({ firstTokenMs, arrivalMs }, row) => between(arrivalMs[row], firstTokenMs[row]),
  e2eMs: ({ endMs, arrivalMs }, row) => between(arrivalMs[row], endMs[row]),
  queueMs: ({ startMs, arrivalMs }, row) => between(arrivalMs[row], startMs[row]),
  tpotMs: ({ firstTokenMs, endMs, outputTokens }, row) => {
    const tokens = outputTokens[row] ?? 0;
    return tokens > 1 ? between(firstTokenMs[row], endMs[row]) / (tokens - 1) : NaN;
  },
};

const PERCENT: Readonly<Record<RequestStatistic, number | null>> = {
  mean: null,
  p50: 50,
  p90: 90,
  p95: 95,
  p99: 99,
};

function between(from: number | null | undefined, to: number | null | undefined): number {
  return (to ?? NaN) - (from ?? NaN);
}

/** Values of one side in ascending order, and the stretch that each belongs to. */
interface Sorted {
  readonly values: Float64Array;
  readonly stretches: Uint32Array;
}

/** Null where the run keeps fewer requests than it had. */
function sortedOf(repetitions: readonly SimRepetition[], latency: RequestLatency): Sorted | null {
  const values: number[] = [];
  const stretches: number[] = [];
  for (const [index, { requests }] of repetitions.entries()) {
    const rows = requests.arrivalMs.length;
    if (rows < requests.total || rows < STRETCHES * FEWEST_IN_A_STRETCH) return null;
    for (let row = 0; row < rows; row++) {
      const value = OF[latency](requests, row);
      if (Number.isNaN(value)) continue;
      values.push(value);
      stretches.push(index * STRETCHES + Math.floor((row * STRETCHES) / rows));
    }
  }
  const all = Float64Array.from(values);
  const order = orderOf(all, all.length);
  return {
    values: Float64Array.from(order, (position) => all[position] ?? 0),
    stretches: Uint32Array.from(order, (position) => stretches[position] ?? 0),
  };
}

/** The statistic when each value counts as often as its stretch was drawn. */
function statisticOf({ values, stretches }: Sorted, weights: Uint16Array, percent: number | null): number {
  let total = 0;
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const weight = weights[stretches[i] ?? 0] ?? 0;
    total += weight;
    sum += weight * (values[i] ?? 0);
  }
  if (percent === null) return sum / total;
  // Nearest rank: a resample needs no finer one.
  const rank = Math.max(1, Math.ceil((percent * total) / 100));
  for (let i = 0, passed = 0; i < values.length; i++) {
    passed += weights[stretches[i] ?? 0] ?? 0;
    if (passed >= rank) return values[i] ?? NaN;
  }
  return NaN;
}

/** 95 % interval of b / a − 1; null where not all requests are on record, or too few. */
export function drawnRatios(
  pairs: readonly { readonly a: SimRepetition; readonly b: SimRepetition }[],
  latency: RequestLatency,
  statistic: RequestStatistic,
  random: Random,
): Interval | null {
  const a = sortedOf(
    pairs.map((pair) => pair.a),
    latency,
  );
  const b = sortedOf(
    pairs.map((pair) => pair.b),
    latency,
  );
  if (a === null || b === null) return null;
  const weights = new Uint16Array(pairs.length * STRETCHES);
  const ratios: number[] = [];
  for (let draw = 0; draw < DRAWS; draw++) {
    weights.fill(0);
    for (let i = 0; i < weights.length; i++) {
      const drawn = random.below(weights.length);
      weights[drawn] = (weights[drawn] ?? 0) + 1;
    }
    const ratio = statisticOf(b, weights, PERCENT[statistic]) / statisticOf(a, weights, PERCENT[statistic]);
    if (Number.isFinite(ratio)) ratios.push(ratio - 1);
  }
  return ratios.length > DRAWS / 2 ? percentileInterval(ratios) : null;
}
