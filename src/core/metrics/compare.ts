/** Two runs side by side: for each point that both have, the ratio of a metric with an interval. */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { createRandom, type Random } from '../random.ts';
import type { LabRun, Point } from '../run/schema.ts';
import { diffLayer, valueAt } from '../scenario/layer.ts';
import { METRICS, type MetricId } from './definitions.ts';
import { expandedTail, percentileInterval, RESAMPLES, type Interval } from './intervals.ts';
import { median } from './percentiles.ts';
import {
  distributionSamples,
  DISTRIBUTION_IDS,
  scalarSamples,
  type DistributionId,
  type ScalarId,
} from './samples.ts';

import { fewRepetitions } from './summarize.ts';

export interface Ratio {
  readonly settings: Point['settings'];
  /** Medians. */
  readonly a: number | null;
  readonly b: number | null;
  /** b / a. */
  readonly ratio: number | null;
  readonly interval: Interval | null;
  /** `better` or `worse` only when the interval excludes 1. */
  readonly verdict: 'better' | 'worse' | 'no difference found' | 'unknown';
  readonly reason: string | null;
}

export interface Comparison {
  readonly metric: MetricId;
  readonly points: readonly Ratio[];
  /** Points that only one of the runs has. */
  readonly unmatched: number;
}

function isDistribution(id: MetricId): id is DistributionId {
  return DISTRIBUTION_IDS.some((known) => known === id);
}

/** One value a repetition: the metric itself, or the median of its samples. */
function repetitionValues(run: LabRun, point: Point, id: MetricId): number[] {
  if (isDistribution(id)) return distributionSamples(point, id).map((samples) => median(samples));
  return scalarSamples(point, id satisfies ScalarId, run.scenario.objectives);
}

/** Settings as a key that does not depend on their order. */
function keyOf({ settings }: Point): string {
  const pairs = Object.entries(settings).sort(([x], [y]) => (x < y ? -1 : 1));
  return JSON.stringify(pairs);
}

function draw(values: readonly number[], random: Random): number[] {
  return values.flatMap(() => values[random.below(values.length)] ?? []);
}

function ratioInterval(a: readonly number[], b: readonly number[], random: Random): Interval | null {
  if (a.length < 3 || b.length < 3) return null;
  const ratios = Array.from({ length: RESAMPLES }, () => median(draw(b, random)) / median(draw(a, random)));
  const finite = ratios.filter(Number.isFinite);
  return finite.length > RESAMPLES / 2
    ? percentileInterval(finite, expandedTail(Math.min(a.length, b.length)))
    : null;
}

function verdictOf(id: MetricId, interval: Interval | null): Ratio['verdict'] {
  if (interval === null) return 'unknown';
  if (interval.low <= 1 && interval.high >= 1) return 'no difference found';
  const { better } = METRICS[id];
  if (better === null) return 'unknown';
  return interval.low > 1 === (better === 'higher') ? 'better' : 'worse';
}

/** Ratio b / a of two sets of repetitions of one point. */
export function ratioOf(id: MetricId, a: readonly number[], b: readonly number[], random: Random) {
  const [ma, mb] = [a.length > 0 ? median(a) : null, b.length > 0 ? median(b) : null];
  if (ma === null || mb === null) {
    const reason = `Nothing was measured in ${ma === null ? 'the first' : 'the second'} run.`;
    return { a: ma, b: mb, ratio: null, interval: null, verdict: 'unknown', reason } as const;
  }
  if (ma === 0) {
    return {
      a: ma,
      b: mb,
      ratio: null,
      interval: null,
      verdict: 'unknown',
      reason: 'The first run has 0 here.',
    } as const;
  }
  const interval = ratioInterval(a, b, random);
  const reason =
    interval === null
      ? 'No interval: at least 3 repetitions of both are needed.'
      : fewRepetitions(Math.min(a.length, b.length));
  return { a: ma, b: mb, ratio: mb / ma, interval, verdict: verdictOf(id, interval), reason };
}

/** Paths and values of a layer's leaves; lists and reductions are named, not spelt out. */
function leaves(layer: JsonObject, prefix: string): [string, Json][] {
  return Object.entries(layer).flatMap(([name, value]): [string, Json][] => {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    if (value === undefined) return [];
    return isJsonObject(value) && name !== 'softwareAdapter' ? leaves(value, path) : [[path, value]];
  });
}

/** What belongs to a run's title, not to its conditions. */
const NOT_CONDITIONS = new Set(['title', 'about', 'softwareAdapter']);

/** What differs between the conditions of two runs, a sentence each: a ratio means the differences, not the runs. */
export function runDifferences(a: LabRun, b: LabRun): string[] {
  const scenario = leaves(diffLayer(a.scenario, b.scenario), '').filter(
    ([path]) => !NOT_CONDITIONS.has(path),
  );
  const settings = scenario.map(([path, value]) => {
    const before = valueAt(a.scenario, path);
    const plain = typeof value !== 'object' && typeof before !== 'object';
    return plain
      ? `${path} is ${String(before)} in the first and ${String(value)} in the second.`
      : `${path} differs.`;
  });
  const conditions: [string, (run: LabRun) => string][] = [
    [
      'The adapter',
      ({ environment: { adapter } }) =>
        [adapter.vendor, adapter.architecture, adapter.device].join(' ').trim(),
    ],
    ['The browser', ({ environment }) => environment.runtime],
    ['The version of KV Lab', ({ environment }) => environment.appVersion],
  ];
  const environment = conditions.flatMap(([name, of]) =>
    of(a) === of(b)
      ? []
      : `${name} is ${of(a) || 'unknown'} in the first and ${of(b) || 'unknown'} in the second.`,
  );
  return [...settings, ...environment];
}

/** Compares one metric of two runs over the points with equal settings; b is measured against a. */
export function compareRuns(a: LabRun, b: LabRun, metric: MetricId): Comparison {
  const random = createRandom(a.scenario.seed).fork(metric);
  const others = new Map(b.points.map((point) => [keyOf(point), point]));
  const points = a.points.flatMap((point, i): Ratio[] => {
    const other = others.get(keyOf(point));
    if (!other) return [];
    const values = [repetitionValues(a, point, metric), repetitionValues(b, other, metric)] as const;
    return [{ settings: point.settings, ...ratioOf(metric, values[0], values[1], random.fork(i)) }];
  });
  return { metric, points, unmatched: a.points.length + b.points.length - 2 * points.length };
}
