/**
 * Go or no-go against a scenario's objectives. An objective is of single requests, so a run goes when 90 % of its requests
 * (DistServe's target) keep every objective; requests that failed keep none. The interval decides: where it lies on both
 * sides of the target the answer is `undecided`. Each objective by itself has a margin: its limit less the 90th percentile.
 */
import { createRandom, type Random } from '../../random.ts';
import { expandedTail, percentileInterval, type Interval } from '../intervals.ts';
import { mean } from '../percentiles.ts';
import { exactBinomial } from '../quality/binomial.ts';
import { overSeeds } from '../serving/seeds.ts';
import { boundQuantity } from './bounds.ts';
import {
  pointWords,
  type SampledLatency,
  type SampledPoint,
  type SampledRepetition,
  type SampledRun,
} from './sampled.ts';
import { drawnOne, FEWEST_STRETCHES, numStretches, stretched } from './stretches.ts';
import { formatPercent, formatQuantity } from './words.ts';

/** Share of the requests that must keep every objective. */
export const OBJECTIVE_TARGET = 0.9;
const PERCENTILE = 100 * OBJECTIVE_TARGET;
const CONFIDENCE = 0.95;

export interface ObjectiveMargin {
  readonly name: string;
  readonly limitMs: number;
  /** 90th percentile. */
  readonly valueMs: number | null;
  readonly interval: Interval | null;
  /** Limit less value: negative where it is broken. */
  readonly marginMs: number | null;
}

export interface ObjectiveVerdict {
  readonly point: string;
  readonly verdict: 'go' | 'no-go' | 'undecided' | 'none';
  readonly target: number;
  readonly attainment: number | null;
  /** 95 %. */
  readonly interval: Interval | null;
  readonly margins: readonly ObjectiveMargin[];
  readonly sentence: string;
}

const OBJECTIVES = [
  ['ttftMs', 'ttft', 'TTFT'],
  ['tpotMs', 'tpot', 'TPOT'],
  ['e2eMs', 'e2e', 'end-to-end latency'],
] as const satisfies readonly (readonly [string, SampledLatency, string])[];

interface Attained {
  readonly share: number;
  readonly interval: Interval | null;
  readonly requests: number;
}

/** Stretches that all keep the objectives show no spread; the exact interval of a share does. */
function widened(drawn: Interval | null, good: number, requests: number): Interval | null {
  const exact = good === 0 || good === requests ? exactBinomial(good, requests) : null;
  if (drawn === null) return exact;
  return exact === null
    ? drawn
    : { low: Math.min(drawn.low, exact.low), high: Math.max(drawn.high, exact.high) };
}

function attainedBy(repetitions: readonly SampledRepetition[], random: Random): Attained | null {
  const kept = stretched(repetitions, 'kept', numStretches(repetitions, 'kept'));
  if (kept !== null && kept.values.length > 0) {
    const good = kept.values.reduce((sum, value) => sum + value, 0);
    const requests = kept.values.length;
    const drawn =
      kept.numStretches >= FEWEST_STRETCHES
        ? percentileInterval(drawnOne(kept, 'mean', random), expandedTail(kept.numStretches, CONFIDENCE))
        : exactBinomial(good, requests);
    return { share: good / requests, interval: widened(drawn, good, requests), requests };
  }
  const shares = repetitions.flatMap(({ scalars }) => scalars.attainment ?? []);
  const requests = repetitions.reduce((sum, one) => sum + one.requests, 0);
  if (shares.length === 0 || shares.length < repetitions.length) return null;
  const interval = overSeeds(shares)?.interval ?? null;
  const within = interval && { low: Math.max(0, interval.low), high: Math.min(1, interval.high) };
  const share = mean(shares);
  return { share, interval: widened(within, Math.round(share * requests), requests), requests };
}

function marginsOf(
  repetitions: readonly SampledRepetition[],
  { objectives }: SampledRun,
  random: Random,
): ObjectiveMargin[] {
  return OBJECTIVES.flatMap(([path, latency, name]): ObjectiveMargin[] => {
    const limitMs = objectives[path];
    if (limitMs === null) return [];
    const quantity = { kind: 'latency', latency, statistic: PERCENTILE } as const;
    // Two one-sided bounds of 97.5 % are an interval of 95 %.
    const found = boundQuantity(
      null,
      repetitions,
      quantity,
      'level',
      (1 + CONFIDENCE) / 2,
      random.fork(latency),
    );
    if (!found.ok) return [{ name, limitMs, valueMs: null, interval: null, marginMs: null }];
    const { b, bounds } = found.value;
    return [{ name, limitMs, valueMs: b, interval: bounds, marginMs: limitMs - b }];
  });
}

function marginWords({ name, limitMs, valueMs, marginMs }: ObjectiveMargin): string | null {
  if (valueMs === null || marginMs === null) return null;
  const ms = (value: number): string =>
    formatQuantity({ kind: 'latency', latency: 'ttft', statistic: PERCENTILE }, value);
  const side = marginMs >= 0 ? `${ms(marginMs)} below` : `${ms(-marginMs)} above`;
  return `p90 ${name} ${ms(valueMs)}, ${side} the limit of ${ms(limitMs)}`;
}

function judgePoint(point: SampledPoint, run: SampledRun, random: Random): ObjectiveVerdict {
  const words = pointWords(point);
  const attained = attainedBy(point.repetitions, random.fork('attainment'));
  const target = OBJECTIVE_TARGET;
  if (attained === null) {
    return {
      ...{ point: words, verdict: 'none', target, attainment: null, interval: null, margins: [] },
      sentence: 'The run keeps too little to say how many requests kept the objectives.',
    };
  }
  const { share, interval, requests } = attained;
  const margins = marginsOf(point.repetitions, run, random);
  const verdict =
    interval === null
      ? 'undecided'
      : interval.low >= target
        ? 'go'
        : interval.high < target
          ? 'no-go'
          : 'undecided';
  const between =
    interval === null
      ? 'no interval'
      : `95 % interval ${formatPercent(interval.low)} to ${formatPercent(interval.high)}`;
  const lead = { go: 'Go', 'no-go': 'No-go', undecided: 'Undecided' }[verdict];
  const said = `${lead}: ${formatPercent(share)} of ${requests} requests kept the objectives (${between}), where ${formatPercent(target)} are asked`;
  const details = margins.flatMap((margin) => marginWords(margin) ?? []);
  return {
    ...{ point: words, verdict, target, attainment: share, interval, margins },
    sentence: `${[said, ...details].join('; ')}.`,
  };
}

/** One verdict a point that ran; a single `none` where the scenario sets no objective. */
export function judgeObjectives(run: SampledRun, seed = 1): ObjectiveVerdict[] {
  const { ttftMs, tpotMs, e2eMs } = run.objectives;
  if (ttftMs === null && tpotMs === null && e2eMs === null) {
    return [
      {
        ...{
          point: '',
          verdict: 'none',
          target: OBJECTIVE_TARGET,
          attainment: null,
          interval: null,
          margins: [],
        },
        sentence:
          'The scenario sets no objective, so there is neither go nor no-go; set objectives.ttftMs, for one.',
      },
    ];
  }
  const random = createRandom(seed).fork('objectives');
  return run.points
    .filter(({ repetitions }) => repetitions.length > 0)
    .map((point, at) => judgePoint(point, run, random.fork(at)));
}
