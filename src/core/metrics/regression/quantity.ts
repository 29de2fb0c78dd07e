/** What a rule can speak of: a statistic of a latency, or one number of a whole run. Names, units, directions. */
import { METRICS, SERVING_METRICS } from '../definitions.ts';
import { percentileOfSorted } from '../percentiles.ts';
import type { SampledLatency, SampledRepetition, SampledScalar } from './sampled.ts';

/** Percent of a percentile, or the mean. */
export type Statistic = 'mean' | number;

export type RuledQuantity =
  | { readonly kind: 'latency'; readonly latency: SampledLatency; readonly statistic: Statistic }
  | { readonly kind: 'scalar'; readonly scalar: SampledScalar };

const LATENCY_NAMES: Readonly<Record<SampledLatency, string>> = {
  ttft: 'TTFT',
  tpot: 'TPOT',
  itl: 'inter-token latency',
  e2e: 'end-to-end latency',
  queue: 'queue time',
};

interface ScalarWords {
  readonly unit: string;
  readonly better: 'lower' | 'higher';
  /** A share of 1, shown in percent. */
  readonly isShare: boolean;
}

const SCALAR_WORDS: Readonly<Record<SampledScalar, ScalarWords>> = {
  throughput: { unit: METRICS.throughput.unit, better: 'higher', isShare: false },
  'requests per second': { unit: SERVING_METRICS.requestsPerSecond.unit, better: 'higher', isShare: false },
  goodput: { unit: METRICS.goodput.unit, better: 'higher', isShare: false },
  attainment: { unit: 'share', better: 'higher', isShare: true },
  'hit ratio': { unit: 'share', better: 'higher', isShare: true },
  'error rate': { unit: 'share', better: 'lower', isShare: true },
  preemptions: { unit: '', better: 'lower', isShare: false },
};

export function statisticWords(statistic: Statistic): string {
  return statistic === 'mean' ? 'mean' : `p${statistic}`;
}

/** "p99 TTFT", "throughput". */
export function quantityName(quantity: RuledQuantity): string {
  return quantity.kind === 'scalar'
    ? quantity.scalar
    : `${statisticWords(quantity.statistic)} ${LATENCY_NAMES[quantity.latency]}`;
}

export function quantityUnit(quantity: RuledQuantity): string {
  return quantity.kind === 'scalar' ? SCALAR_WORDS[quantity.scalar].unit : 'ms';
}

export function quantityBetter(quantity: RuledQuantity): 'lower' | 'higher' {
  return quantity.kind === 'scalar' ? SCALAR_WORDS[quantity.scalar].better : 'lower';
}

export function isShare(quantity: RuledQuantity): boolean {
  return quantity.kind === 'scalar' && SCALAR_WORDS[quantity.scalar].isShare;
}

/** Values of one repetition that the statistic is of; null where the run does not keep them. */
export function valuesOf({ rows }: SampledRepetition, latency: SampledLatency): Float64Array | null {
  if (rows === null) return null;
  const values = latency === 'itl' ? rows.gaps?.values : rows.latencies[latency];
  return values ? values.filter((value) => !Number.isNaN(value)) : null;
}

/** The statistic of values in ascending order; NaN without any. */
export function statisticOfSorted(sorted: Float64Array, statistic: Statistic): number {
  if (sorted.length === 0) return NaN;
  if (statistic === 'mean') return sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  return percentileOfSorted(sorted, statistic);
}

/** Of one repetition: from its samples, else from what was summed up while it had them; null where neither is there. */
export function repetitionValue(repetition: SampledRepetition, quantity: RuledQuantity): number | null {
  if (quantity.kind === 'scalar') return repetition.scalars[quantity.scalar];
  const { latency, statistic } = quantity;
  const values = valuesOf(repetition, latency);
  if (values !== null && values.length > 0) return statisticOfSorted(values.sort(), statistic);
  const summed = repetition.summed[latency];
  if (summed === null) return null;
  if (statistic === 'mean') return summed.mean;
  return summed.exact[statistic] ?? null;
}

/** How many values of the latency a repetition had. */
export function repetitionSamples(repetition: SampledRepetition, latency: SampledLatency): number {
  return valuesOf(repetition, latency)?.length ?? repetition.summed[latency]?.samples ?? 0;
}
