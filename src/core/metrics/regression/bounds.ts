/**
 * How far two runs differ in a quantity, with a one-sided confidence bound on either side: by the repetitions where both
 * have five or more of them, else by stretches of requests, else by three repetitions or more; and a refusal where none of
 * these can tell.
 */
import { exp, log } from '../../math.ts';
import type { Random } from '../../random.ts';
import type { Read } from '../../json.ts';
import { studentQuantile } from '../../special.ts';
import { expandedTail, percentileInterval, type Interval } from '../intervals.ts';
import { mean, standardDeviation } from '../percentiles.ts';
import {
  quantityName,
  repetitionSamples,
  repetitionValue,
  statisticOfSorted,
  valuesOf,
  type RuledQuantity,
} from './quantity.ts';
import type { Against } from './rule.ts';
import type { SampledRepetition } from './sampled.ts';
import {
  drawnOne,
  drawnPair,
  numStretches,
  FEWEST_STRETCHES,
  sameArrivals,
  stretched,
  type StretchedOf,
} from './stretches.ts';

export interface Bounded {
  /** Of all requests together; of a number of a whole run the mean over repetitions. Null without a baseline. */
  readonly a: number | null;
  readonly b: number;
  /** What is bounded: b / a − 1, b − a or b. */
  readonly value: number;
  /** Each end is one-sided: it is passed with at most 1 − confidence. */
  readonly bounds: Interval;
  readonly over: 'repetitions' | 'requests';
  /** Both sides had the same arrivals, and were drawn or paired together. */
  readonly paired: boolean;
  /** How many repetitions, or requests, on the side that has fewer. */
  readonly samples: number;
}

const MANY_REPETITIONS = 5;
const FEWEST_REPETITIONS = 3;

function refuse(sentence: string): { readonly ok: false; readonly sentence: string } {
  return { ok: false, sentence };
}

/** Fewest samples that bound a quantile from one side with the confidence: all lie below it with the chance that is left. */
export function samplesForBound(percent: number, confidence: number): number {
  const p = Math.max(percent, 100 - percent) / 100;
  return Math.ceil(log(1 - confidence) / log(p) - 1e-9);
}

/** The largest usual percentile that so many samples bound. */
function nearestPercentile(samples: number, confidence: number): number | null {
  return [99.9, 99, 95, 90, 75, 50].find((p) => samplesForBound(p, confidence) <= samples) ?? null;
}

function tooFew(
  side: string,
  quantity: RuledQuantity,
  repetitions: readonly SampledRepetition[],
  confidence: number,
): string | null {
  const name = quantityName(quantity);
  if (quantity.kind === 'scalar') {
    const values = repetitions.filter((repetition) => repetitionValue(repetition, quantity) !== null);
    return values.length > 0
      ? null
      : `${side} has no ${name}${quantity.scalar === 'goodput' || quantity.scalar === 'attainment' ? ': its scenario sets no objective' : ''}.`;
  }
  const { latency, statistic } = quantity;
  const samples = repetitions.reduce((sum, repetition) => sum + repetitionSamples(repetition, latency), 0);
  if (samples === 0) return `${side} has no sample of ${name}.`;
  if (statistic === 'mean') return null;
  const needed = samplesForBound(statistic, confidence);
  if (samples >= needed) return null;
  const nearest = nearestPercentile(samples, confidence);
  const instead = nearest === null ? '' : `, or ask for p${nearest}`;
  return `${side} has ${samples} samples, too few to bound a ${name} with ${percentWords(confidence)} confidence: ${needed} are needed; send more requests${instead}.`;
}

export function percentWords(share: number): string {
  return `${Number((100 * share).toPrecision(6))} %`;
}

/** The statistic over all repetitions together; null where there is none. */
export function pooled(repetitions: readonly SampledRepetition[], quantity: RuledQuantity): number | null {
  const values = repetitions.flatMap((repetition) => repetitionValue(repetition, quantity) ?? []);
  if (values.length === 0) return null;
  if (quantity.kind === 'scalar') return mean(values);
  const raw = repetitions.map((repetition) => valuesOf(repetition, quantity.latency));
  if (raw.some((column) => column === null || column.length === 0)) return mean(values);
  const all = Float64Array.from(raw.flatMap((column) => [...(column ?? [])])).sort();
  return statisticOfSorted(all, quantity.statistic);
}

/** Turns a side's value into what is compared, and a bound of it back. */
interface Scale {
  readonly to: (value: number) => number;
  readonly back: (value: number) => number;
}
const PLAIN: Scale = { to: (value) => value, back: (value) => value };
const LOGARITHMS: Scale = { to: (value) => log(value), back: (value) => exp(value) - 1 };

interface Estimate {
  readonly centre: number;
  readonly error: number;
  readonly df: number;
}

function pairedEstimate(a: readonly number[], b: readonly number[]): Estimate {
  const differences = b.map((value, i) => value - (a[i] ?? NaN));
  const n = differences.length;
  return { centre: mean(differences), error: standardDeviation(differences) / Math.sqrt(n), df: n - 1 };
}

function varianceOfMean(values: readonly number[]): number {
  return standardDeviation(values) ** 2 / values.length;
}

/** Welch's: the two sides have spreads of their own. */
function apartEstimate(a: readonly number[], b: readonly number[]): Estimate {
  const [va, vb] = [varianceOfMean(a), varianceOfMean(b)];
  const total = va + vb;
  const df = total === 0 ? 1 : total ** 2 / (va ** 2 / (a.length - 1) + vb ** 2 / (b.length - 1));
  return { centre: mean(b) - mean(a), error: Math.sqrt(total), df };
}

function byRepetitions(
  a: readonly number[] | null,
  b: readonly number[],
  against: Against,
  paired: boolean,
  confidence: number,
): Interval | null {
  const positive = [...(a ?? []), ...b].every((value) => value > 0);
  if (against === 'relative' && !positive) return null;
  const scale = against === 'relative' ? LOGARITHMS : PLAIN;
  const second = b.map(scale.to);
  const first = (a ?? []).map(scale.to);
  const { centre, error, df } =
    a === null
      ? {
          centre: mean(second),
          error: standardDeviation(second) / Math.sqrt(second.length),
          df: second.length - 1,
        }
      : paired
        ? pairedEstimate(first, second)
        : apartEstimate(first, second);
  const half = error === 0 ? 0 : studentQuantile(confidence, df) * error;
  return { low: scale.back(centre - half), high: scale.back(centre + half) };
}

function compareOf(against: Against): (a: number, b: number) => number {
  switch (against) {
    case 'relative':
      return (a, b) => b / a - 1;
    case 'difference':
      return (a, b) => b - a;
    case 'level':
      return (_, b) => b;
    default:
      return against satisfies never;
  }
}

/** Shares of requests are means of what each request did, and so can be drawn; a rate of a whole run can't. */
function drawnOf(quantity: RuledQuantity): StretchedOf | null {
  if (quantity.kind === 'latency') return quantity.latency;
  if (quantity.scalar === 'attainment') return 'kept';
  return quantity.scalar === 'error rate' ? 'failed' : null;
}

function byRequests(
  a: readonly SampledRepetition[] | null,
  b: readonly SampledRepetition[],
  quantity: RuledQuantity,
  against: Against,
  confidence: number,
  random: Random,
): { readonly bounds: Interval; readonly paired: boolean; readonly samples: number } | null {
  const of = drawnOf(quantity);
  if (of === null) return null;
  const most = Math.min(numStretches(b, of), a === null ? Infinity : numStretches(a, of));
  const second = stretched(b, of, most);
  if (second === null || second.numStretches < FEWEST_STRETCHES || second.values.length === 0) return null;
  const statistic = quantity.kind === 'latency' ? quantity.statistic : 'mean';
  // A two-sided interval of 2c − 1 has ends that hold with confidence c each.
  const tail = (stretches: number): number => expandedTail(stretches, 2 * confidence - 1);
  if (a === null) {
    const drawn = drawnOne(second, statistic, random);
    if (drawn.length === 0) return null;
    return {
      bounds: percentileInterval(drawn, tail(second.numStretches)),
      paired: false,
      samples: second.values.length,
    };
  }
  const first = stretched(a, of, most);
  if (first === null || first.numStretches < FEWEST_STRETCHES || first.values.length === 0) return null;
  const paired = sameArrivals(a, b);
  const drawn = drawnPair(first, second, statistic, paired, compareOf(against), random);
  if (drawn.length < 500) return null;
  return {
    bounds: percentileInterval(drawn, tail(Math.min(first.numStretches, second.numStretches))),
    paired,
    samples: Math.min(first.values.length, second.values.length),
  };
}

function sameSeeds(a: readonly SampledRepetition[], b: readonly SampledRepetition[]): boolean {
  return a.length === b.length && a.every(({ seed }, i) => seed !== null && seed === b[i]?.seed);
}

/**
 * @param a the baseline; null for a level, which needs none
 * @param confidence one-sided
 * @returns a sentence where the samples can't tell
 */
export function boundQuantity(
  a: readonly SampledRepetition[] | null,
  b: readonly SampledRepetition[],
  quantity: RuledQuantity,
  against: Against,
  confidence: number,
  random: Random,
): Read<Bounded> {
  const short =
    (a === null ? null : tooFew('The baseline', quantity, a, confidence)) ??
    tooFew('The run', quantity, b, confidence);
  if (short !== null) return refuse(short);
  const [valueA, valueB] = [a === null ? null : pooled(a, quantity), pooled(b, quantity)];
  const name = quantityName(quantity);
  if (valueB === null || (a !== null && valueA === null)) return refuse(`There is no ${name} on both sides.`);
  if (against === 'relative' && valueA === 0) {
    return refuse(
      `The baseline’s ${name} is 0, of which there is no percentage; give a signed amount in its own unit, such as > +5.`,
    );
  }
  const value = compareOf(against)(valueA ?? 0, valueB);
  const valuesIn = (side: readonly SampledRepetition[]): number[] =>
    side.flatMap((one) => repetitionValue(one, quantity) ?? []);
  const [ofA, ofB] = [valuesIn(a ?? []), valuesIn(b)];
  const repetitions = a === null ? ofB.length : Math.min(ofA.length, ofB.length);
  const pairs = a !== null && sameSeeds(a, b) && ofA.length === ofB.length;
  const found = { a: valueA, b: valueB, value };
  const repeated = (): Read<Bounded> | null => {
    const bounds = byRepetitions(a === null ? null : ofA, ofB, against, pairs, confidence);
    if (bounds === null) return null;
    return {
      ok: true,
      value: { ...found, bounds, over: 'repetitions', paired: pairs, samples: repetitions },
    };
  };
  if (repetitions >= MANY_REPETITIONS) {
    const known = repeated();
    if (known !== null) return known;
  }
  const drawn = byRequests(a, b, quantity, against, confidence, random);
  if (drawn !== null) return { ok: true, value: { ...found, ...drawn, over: 'requests' } };
  const known = repetitions >= FEWEST_REPETITIONS ? repeated() : null;
  return (
    known ??
    refuse(
      `The ${name} of ${repetitions} ${repetitions === 1 ? 'repetition' : 'repetitions'} shows no spread; ${FEWEST_REPETITIONS} repetitions or more with seeds of their own give one${quantity.kind === 'latency' ? ', or all requests on record, 40 or more' : ''}.`,
    )
  );
}
