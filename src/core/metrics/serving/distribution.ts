/**
 * Distributions of a long run: exact while the values fit, from a library histogram beyond, and `exact` says which.
 *
 * Exact percentiles are numpy's (linear between ranks), over each value as often as its weight says. Mean, least and
 * largest value are exact always.
 */
import type { SimDistribution } from '../../run/simulation.ts';
import { createMsHistogram, type MsHistogram } from './histogram.ts';
import { orderOf } from './order.ts';

/** Values (or pairs of value and weight) that are kept one by one: 16 MB of pairs. */
export const MAX_EXACT = 1 << 20;

const PERCENTS = { p50: 50, p90: 90, p95: 95, p99: 99, p999: 99.9 } as const;

/** Percents of a CDF with `steps` equal steps, from 0 to 100. */
function cdfPercents(steps: number): number[] {
  return Array.from({ length: steps + 1 }, (_, i) => (100 * i) / steps);
}

/** Answers ascending percents. */
type Percentiles = (percents: readonly number[]) => number[];

interface Moments {
  readonly samples: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
}

function describe(
  moments: Moments,
  exact: boolean,
  percentiles: Percentiles,
  cdfSteps: number,
): SimDistribution {
  const [p50 = 0, p90 = 0, p95 = 0, p99 = 0, p999 = 0] = percentiles(Object.values(PERCENTS));
  const { samples, mean, min, max } = moments;
  // A histogram rounds a value up to the end of its cell; the largest value itself is known better.
  const within = (value: number) => Math.min(max, Math.max(min, value));
  const quantiles = percentiles(cdfPercents(cdfSteps)).map(within);
  const tails = {
    p50: within(p50),
    p90: within(p90),
    p95: within(p95),
    p99: within(p99),
    p999: within(p999),
  };
  return { samples, exact, mean, min, max, ...tails, quantiles };
}

/** numpy's percentiles of sorted values. */
function sortedPercentiles(sorted: Float64Array): Percentiles {
  return (percents) =>
    percents.map((percent) => {
      const position = ((sorted.length - 1) * percent) / 100;
      const rank = Math.floor(position);
      const low = sorted[rank] ?? NaN;
      return low + ((sorted[rank + 1] ?? low) - low) * (position - rank);
    });
}

/** numpy's percentiles of ascending values, each repeated as its weight says. */
function weightedPercentiles(values: Float64Array, weights: Float64Array, total: number): Percentiles {
  return (percents) => {
    let at = 0;
    let passed = weights[0] ?? 0;
    return percents.map((percent) => {
      const position = ((total - 1) * percent) / 100;
      const rank = Math.floor(position);
      while (passed <= rank && at < values.length - 1) passed += weights[++at] ?? 0;
      const low = values[at] ?? NaN;
      const next = passed <= rank + 1 ? (values[at + 1] ?? low) : low;
      return low + (next - low) * (position - rank);
    });
  };
}

/**
 * Distribution of the first `count` values; null without any. Sorts `values` in place.
 * @param cdfSteps steps of the quantiles that are kept
 */
export function distributionOf(
  values: Float64Array,
  count: number,
  cdfSteps: number,
): SimDistribution | null {
  if (count === 0) return null;
  const used = values.subarray(0, count);
  let sum = 0;
  let [min, max] = [Infinity, -Infinity];
  for (let i = 0; i < count; i++) {
    const value = used[i] ?? 0;
    sum += value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const moments = { samples: count, mean: sum / count, min, max };
  if (count <= MAX_EXACT) return describe(moments, true, sortedPercentiles(used.sort()), cdfSteps);
  const histogram = createMsHistogram();
  for (let i = 0; i < count; i++) histogram.record(used[i] ?? 0, 1);
  return describe(moments, false, (percents) => percents.map((p) => histogram.atPercent(p)), cdfSteps);
}

/** Values that come one by one, each with the number of times that it happened. */
/** The largest tenth of the values (Mooncake's TBT), and of a histogram so many points in it. */
const TAIL = 0.1;
const TAIL_STEPS = 100;

/** Mean of the last `weight` of rising values. */
function tailMeanOf(values: Float64Array, weights: Float64Array, weight: number): number {
  let [left, sum] = [weight, 0];
  for (let i = values.length - 1; i >= 0 && left > 0; i--) {
    const taken = Math.min(left, weights[i] ?? 0);
    sum += taken * (values[i] ?? 0);
    left -= taken;
  }
  return sum / (weight - left);
}

export class WeightedValues {
  #values = new Float64Array(1024);
  #weights = new Float64Array(1024);
  #kept = 0;
  #histogram: MsHistogram | null = null;
  #total = 0;
  #sum = 0;
  #min = Infinity;
  #max = -Infinity;
  #tailMean: number | null = null;
  readonly #maxExact: number;

  constructor(maxExact = MAX_EXACT) {
    this.#maxExact = maxExact;
  }

  add(value: number, weight: number): void {
    this.#total += weight;
    this.#sum += value * weight;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    if (this.#histogram !== null) {
      this.#histogram.record(value, weight);
      return;
    }
    if (this.#kept === this.#values.length) this.#grow();
    this.#values[this.#kept] = value;
    this.#weights[this.#kept++] = weight;
    if (this.#kept > this.#maxExact) this.#fold();
  }

  /** Mean of the largest tenth, as the last `distribution` found it; null before, and without values. */
  get tailMean(): number | null {
    return this.#tailMean;
  }

  distribution(cdfSteps: number): SimDistribution | null {
    this.#tailMean = null;
    if (this.#total === 0) return null;
    const moments = { samples: this.#total, mean: this.#sum / this.#total, min: this.#min, max: this.#max };
    const histogram = this.#histogram;
    if (histogram !== null) {
      const middles = Array.from({ length: TAIL_STEPS }, (_, i) => 90 + (10 * (i + 0.5)) / TAIL_STEPS);
      this.#tailMean = middles.reduce((sum, p) => sum + histogram.atPercent(p), 0) / TAIL_STEPS;
      return describe(moments, false, (percents) => percents.map((p) => histogram.atPercent(p)), cdfSteps);
    }
    const order = orderOf(this.#values, this.#kept);
    const values = new Float64Array(this.#kept);
    const weights = new Float64Array(this.#kept);
    for (let i = 0; i < values.length; i++) {
      values[i] = this.#values[order[i] ?? 0] ?? 0;
      weights[i] = this.#weights[order[i] ?? 0] ?? 0;
    }
    this.#tailMean = tailMeanOf(values, weights, TAIL * this.#total);
    return describe(moments, true, weightedPercentiles(values, weights, this.#total), cdfSteps);
  }

  #grow(): void {
    const [values, weights] = [this.#values, this.#weights];
    this.#values = new Float64Array(2 * values.length);
    this.#values.set(values);
    this.#weights = new Float64Array(2 * weights.length);
    this.#weights.set(weights);
  }

  #fold(): void {
    const histogram = createMsHistogram();
    for (let i = 0; i < this.#kept; i++) histogram.record(this.#values[i] ?? 0, this.#weights[i] ?? 0);
    this.#histogram = histogram;
    this.#kept = 0;
    this.#values = new Float64Array(0);
    this.#weights = new Float64Array(0);
  }
}
