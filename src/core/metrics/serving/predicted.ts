/**
 * Predicted beside measured: each metric of a point of the serving lab on both sides, and by how much the prediction is
 * off. Compared are repetitions of equal seeds, none of which the cost model was fitted on.
 */
import type { ServePoint } from '../../run/serve.ts';
import type { SimRepetition, SimSummary } from '../../run/simulation.ts';
import type { Interval } from '../intervals.ts';
import { servedRepetition, type ServedShape } from './served.ts';
import { overSeeds } from './seeds.ts';

export const PREDICTED_METRICS = [
  'ttftMs.mean',
  'ttftMs.p50',
  'ttftMs.p99',
  'tpotMs.mean',
  'tpotMs.p50',
  'tpotMs.p99',
  'itlMs.mean',
  'itlMs.p99',
  'e2eMs.mean',
  'e2eMs.p50',
  'e2eMs.p99',
  'outputTokensPerSecond',
  'peakKvBlocks',
  'meanKvBlocks',
  'preemptions',
] as const;
export type PredictedMetric = (typeof PREDICTED_METRICS)[number];

/** The bars that a prediction is held to on a machine that does nothing else, percent either way. */
export const PREDICTION_BARS: Readonly<Partial<Record<PredictedMetric, number>>> = {
  'tpotMs.mean': 10,
  'e2eMs.mean': 15,
};

export interface MetricPair {
  readonly metric: PredictedMetric;
  /** Means over repetitions; null where a side has none. */
  readonly measured: number | null;
  /** 95 %, over repetitions; null for fewer than three. */
  readonly measuredInterval: Interval | null;
  readonly predicted: number | null;
  /** 100 · (predicted / measured − 1); null where that can't be said. */
  readonly errorPercent: number | null;
}

export interface ServedPoint {
  readonly measured: readonly SimRepetition[];
  readonly predicted: readonly SimRepetition[];
  readonly pairs: readonly MetricPair[];
}

const DISTRIBUTIONS = ['ttftMs', 'tpotMs', 'itlMs', 'e2eMs'] as const;
const STATISTICS = ['mean', 'p50', 'p99'] as const;
const SCALARS = ['outputTokensPerSecond', 'peakKvBlocks', 'meanKvBlocks', 'preemptions'] as const;

export function metricOf(summary: SimSummary, metric: PredictedMetric): number | null {
  const [name, statistic] = metric.split('.');
  const scalar = SCALARS.find((known) => known === name);
  if (scalar) return summary[scalar];
  const distribution = DISTRIBUTIONS.find((known) => known === name);
  const part = STATISTICS.find((known) => known === statistic);
  return distribution && part ? (summary[distribution]?.[part] ?? null) : null;
}

function valuesOf(side: readonly SimRepetition[], metric: PredictedMetric): number[] {
  return side.flatMap(({ summary }) => metricOf(summary, metric) ?? []);
}

export function errorPercent(predicted: number | null, measured: number | null): number | null {
  if (predicted === null || measured === null) return null;
  if (measured === 0) return predicted === 0 ? 0 : null;
  return 100 * (predicted / measured - 1);
}

/** Everything that is said of a point. */
export function servedPoint(
  { repetitions }: Pick<ServePoint, 'repetitions'>,
  shape: ServedShape,
): ServedPoint {
  const measured = repetitions.map((repetition) => servedRepetition(repetition.measured, shape));
  const predicted = repetitions.flatMap((repetition) =>
    repetition.predicted === null ? [] : [servedRepetition(repetition.predicted, shape)],
  );
  const pairs = PREDICTED_METRICS.map((metric): MetricPair => {
    const ours = overSeeds(valuesOf(measured, metric));
    const theirs = overSeeds(valuesOf(predicted, metric));
    return {
      metric,
      measured: ours?.mean ?? null,
      measuredInterval: ours?.interval ?? null,
      predicted: theirs?.mean ?? null,
      errorPercent: errorPercent(theirs?.mean ?? null, ours?.mean ?? null),
    };
  });
  return { measured, predicted, pairs };
}
