/**
 * A against B on the same arrivals: how much lower or higher a quantity is, with an interval and as a sentence.
 *
 * Repetitions of equal seeds are pairs, so what the arrivals do to both cancels. With three pairs or more the interval
 * is Student's t over the logarithms of the ratios. With fewer, where all requests are on record, stretches of
 * successive requests are drawn again (pairs.ts): an interval of these arrivals alone, which the sentence says.
 */
import { exp, log } from '../../math.ts';
import { createRandom } from '../../random.ts';
import type { SimPoint, SimRepetition } from '../../run/simulation.ts';
import { SERVING_METRICS } from '../definitions.ts';
import type { Interval } from '../intervals.ts';
import { mean } from '../percentiles.ts';
import { drawnRatios, type RequestLatency } from './pairs.ts';
import { overSeeds } from './seeds.ts';

export const LATENCIES = ['ttftMs', 'tpotMs', 'itlMs', 'e2eMs', 'queueMs'] as const;
export const STATISTICS = ['mean', 'p50', 'p90', 'p95', 'p99'] as const;
export const SCALARS = [
  'outputTokensPerSecond',
  'goodput',
  'prefixHitRatio',
  'preemptions',
  'recomputedTokens',
  'peakKvBlocks',
  'meanKvBlocks',
] as const;

type Latency = (typeof LATENCIES)[number];
type Statistic = (typeof STATISTICS)[number];
type Scalar = (typeof SCALARS)[number];

/** Such as `ttftMs.p99` or `goodput`. */
export type Quantity = Scalar | `${Latency}.${Statistic}`;

/** Every quantity that two points can be compared by. */
export const QUANTITIES: readonly Quantity[] = [
  ...LATENCIES.flatMap((latency) => STATISTICS.map((statistic) => `${latency}.${statistic}` as const)),
  ...SCALARS,
];

export interface PairedComparison {
  readonly quantity: Quantity;
  /** "p99 TTFT". */
  readonly name: string;
  readonly unit: string;
  /** Means over seeds; null where a side has none. */
  readonly a: number | null;
  readonly b: number | null;
  /** b / a − 1: −0.31 is 31 % lower. */
  readonly change: number | null;
  /** 95 %, of the change. */
  readonly interval: Interval | null;
  /** What the interval is over. */
  readonly over: 'seeds' | 'requests' | null;
  /** `better` and `worse` only where the interval excludes no change. */
  readonly verdict: 'better' | 'worse' | 'no difference found' | 'unknown';
  readonly sentence: string;
}

/** Short names, as the field says them. */
const SHORT: Readonly<Record<Latency, string>> = {
  ttftMs: 'TTFT',
  tpotMs: 'TPOT',
  itlMs: 'inter-token latency',
  e2eMs: 'end-to-end latency',
  queueMs: 'queue time',
};

interface Parts {
  readonly latency: Latency | null;
  readonly statistic: Statistic | null;
  readonly scalar: Scalar | null;
}

function partsOf(quantity: Quantity): Parts {
  const [first, second] = quantity.split('.');
  return {
    latency: LATENCIES.find((name) => name === first) ?? null,
    statistic: STATISTICS.find((name) => name === second) ?? null,
    scalar: SCALARS.find((name) => name === quantity) ?? null,
  };
}

function nameOf({ latency, statistic, scalar }: Parts): string {
  if (latency !== null) return `${statistic ?? ''} ${SHORT[latency]}`;
  return scalar === null ? '' : SERVING_METRICS[scalar].name.toLowerCase();
}

function valueOf({ summary }: SimRepetition, { latency, statistic, scalar }: Parts): number | null {
  if (scalar !== null) return summary[scalar];
  if (latency === null || statistic === null) return null;
  return summary[latency]?.[statistic] ?? null;
}

interface Pair {
  readonly a: SimRepetition;
  readonly b: SimRepetition;
}

function pairsOf(a: SimPoint, b: SimPoint): Pair[] {
  const others = new Map(b.repetitions.map((repetition) => [repetition.seed, repetition]));
  return a.repetitions.flatMap((first) => {
    const second = others.get(first.seed);
    return second ? [{ a: first, b: second }] : [];
  });
}

/** Interval of the ratio over seeds, or null for too few or where one is 0. */
function overPairs(a: readonly number[], b: readonly number[]): Interval | null {
  if (a.some((value) => value <= 0) || b.some((value) => value <= 0)) return null;
  const { interval } = overSeeds(a.map((value, i) => log((b[i] ?? value) / value))) ?? { interval: null };
  return interval && { low: exp(interval.low) - 1, high: exp(interval.high) - 1 };
}

/** Latencies of single requests that the run keeps; gaps between tokens are not among them. */
function isOfRequests(latency: Latency | null): latency is RequestLatency {
  return latency !== null && latency !== 'itlMs';
}

function percent(share: number): string {
  const size = Math.abs(100 * share);
  return String(size < 10 ? Number(size.toPrecision(2)) : Math.round(size));
}

function side(change: number): string {
  return `${percent(change)} % ${change < 0 ? 'lower' : 'higher'}`;
}

function spanOf({ low, high }: Interval): string {
  const [near, far] = Math.abs(low) < Math.abs(high) ? [low, high] : [high, low];
  return `interval ${percent(near)}–${percent(far)} %`;
}

interface Found {
  readonly a: number | null;
  readonly b: number | null;
  readonly change: number | null;
  readonly interval: Interval | null;
  readonly over: PairedComparison['over'];
  readonly pairs: number;
}

function sentenceOf(name: string, of: string, { a, b, change, interval, over, pairs }: Found): string {
  if (a === null || b === null) return `${of}’s ${name} can’t be compared: a side has none.`;
  if (a === b) return `${of}’s ${name} is the same.`;
  if (change === null) return `${of}’s ${name} is ${Number(b.toPrecision(3))}, where the other has 0.`;
  const said = `${of}’s ${name} is ${side(change)}`;
  if (interval === null) {
    return `${said}; ${pairs < 3 ? 'three seeds or more give an interval' : 'an interval needs values above 0'}.`;
  }
  const basis = over === 'seeds' ? `${pairs} seeds` : `these ${pairs === 1 ? '' : `${pairs} `}arrivals`;
  if (interval.low < 0 && interval.high > 0) {
    return `No clear difference in ${of}’s ${name}: ${side(change)}, but anything from ${side(interval.low)} to ${side(interval.high)} fits (${basis}).`;
  }
  return `${said}, ${spanOf(interval)} (${basis}).`;
}

function verdictOf({ interval }: Found, better: 'lower' | 'higher' | null): PairedComparison['verdict'] {
  if (interval === null || better === null) return 'unknown';
  if (interval.low <= 0 && interval.high >= 0) return 'no difference found';
  return interval.high < 0 === (better === 'lower') ? 'better' : 'worse';
}

/**
 * B against A, two points of one run or of two runs of the same arrivals.
 * @param names how the sentence calls them
 */
export function comparePoints(
  a: SimPoint,
  b: SimPoint,
  quantity: Quantity,
  names: { readonly b: string } = { b: 'B' },
): PairedComparison {
  const parts = partsOf(quantity);
  const { unit, better } = SERVING_METRICS[parts.latency ?? parts.scalar ?? 'requests'];
  const pairs = pairsOf(a, b).flatMap((pair) => {
    const [first, second] = [valueOf(pair.a, parts), valueOf(pair.b, parts)];
    return first === null || second === null ? [] : [{ ...pair, first, second }];
  });
  const [ofA, ofB] = [pairs.map(({ first }) => first), pairs.map(({ second }) => second)];
  const [meanA, meanB] = [pairs.length > 0 ? mean(ofA) : null, pairs.length > 0 ? mean(ofB) : null];
  const change = meanA === null || meanB === null || meanA === 0 ? null : meanB / meanA - 1;
  const bySeeds = pairs.length >= 3 ? overPairs(ofA, ofB) : null;
  const { latency, statistic } = parts;
  const byRequests =
    pairs.length > 0 && pairs.length < 3 && isOfRequests(latency) && statistic !== null
      ? drawnRatios(pairs, latency, statistic, createRandom(pairs[0]?.a.seed ?? 0).fork(quantity))
      : null;
  const interval = change === null ? null : (bySeeds ?? byRequests);
  const over = interval === null ? null : bySeeds ? 'seeds' : 'requests';
  const found: Found = { a: meanA, b: meanB, change, interval, over, pairs: pairs.length };
  const name = nameOf(parts);
  const { a: valueA, b: valueB } = found;
  return {
    quantity,
    name,
    unit,
    a: valueA,
    b: valueB,
    change,
    interval,
    over,
    verdict: verdictOf(found, better),
    sentence: sentenceOf(name, names.b, found),
  };
}
