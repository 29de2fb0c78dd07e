/** From measurements to rows: scores with intervals, means, the front, who is first and how sure that is. */
import {
  chanceBest,
  estimateScores,
  logInterval,
  type Estimate,
  type Estimates,
} from '../core/metrics/tune/estimate.ts';
import { onFront } from '../core/metrics/tune/front.ts';
import { geometricMean, scoreOf, type Gains } from '../core/metrics/tune/gains.ts';
import { BASELINE, scoreSamples, type Scored } from '../core/metrics/tune/scored.ts';
import { createRandom } from '../core/random.ts';
import type { TuneMetrics, TuneRow, TuneSamples } from '../core/run/tune.ts';
import type { Tuning } from '../core/scenario/tune/resolved.ts';
import type { TuneCandidate } from '../core/scenario/tune/space.ts';

const NEVER_NOISY = new Set([BASELINE]);

export interface Standing {
  readonly estimates: Estimates;
  readonly scored: readonly Scored[];
}

export function standingOf(samples: TuneSamples, { profile }: Tuning, cells: number): Standing {
  const scored = scoreSamples(samples, profile.weights);
  return { scored, estimates: estimateScores(scored, cells, NEVER_NOISY) };
}

/** Candidates by their scores, the best first; ties in the order of the space. */
export function byScore(candidates: readonly number[], { of }: Estimates): number[] {
  const mean = (candidate: number): number => of.get(candidate)?.mean ?? -Infinity;
  return [...candidates].sort((a, b) => mean(b) - mean(a) || a - b);
}

export interface Fate {
  readonly infeasible: ReadonlyMap<number, string>;
  /** Where a candidate was left, in words. */
  readonly stopped: ReadonlyMap<number, string>;
  /** Whether the search is over: before that the first of the ranking leads and has not won. */
  readonly ended: boolean;
}

interface RankedRows {
  readonly rows: TuneRow[];
  readonly ranking: number[];
  readonly confidence: number | null;
}

function meanMetrics(scored: readonly Scored[]): TuneMetrics {
  const cells = new Map<number, Scored[]>();
  for (const sample of scored) cells.set(sample.cell, [...(cells.get(sample.cell) ?? []), sample]);
  const of = (read: (metrics: TuneMetrics) => number): number => {
    const means = [...cells.values()].map(
      (samples) => samples.reduce((sum, { metrics }) => sum + read(metrics), 0) / samples.length,
    );
    return means.reduce((sum, mean) => sum + mean, 0) / means.length;
  };
  return {
    ttftMs: of(({ ttftMs }) => ttftMs),
    tpotMs: of(({ tpotMs }) => tpotMs),
    outputTokensPerSecond: of(({ outputTokensPerSecond }) => outputTokensPerSecond),
    // What must be there is the most, not the mean.
    memoryBytes: Math.max(...scored.map(({ metrics }) => metrics.memoryBytes)),
  };
}

function scoreInterval(estimate: Estimate, { spread }: Estimates): NonNullable<TuneRow['score']> {
  const { low, high } = logInterval(estimate, spread);
  return { value: scoreOf(estimate.mean), low: scoreOf(low), high: scoreOf(high) };
}

function statusOf(
  at: number,
  measuredCells: number,
  cells: number,
  fate: Fate,
): [TuneRow['status'], string | null] {
  const infeasible = fate.infeasible.get(at);
  if (infeasible !== undefined) return ['infeasible', infeasible.slice(0, 400)];
  const stopped = fate.stopped.get(at);
  if (stopped !== undefined) return ['stopped', stopped];
  if (measuredCells === cells) return ['finalist', null];
  return [
    'waiting',
    measuredCells === 0 ? 'Not measured yet.' : `Measured in ${measuredCells} of ${cells} cells so far.`,
  ];
}

/** The rows of a run and their order. */
export function rankedRows(
  candidates: readonly TuneCandidate[],
  { estimates, scored }: Standing,
  cells: number,
  fate: Fate,
  startupMs: (candidate: number) => number | null,
  seed: number,
): RankedRows {
  const byCandidate = new Map<number, Scored[]>();
  for (const sample of scored) {
    const found = byCandidate.get(sample.candidate);
    if (found) found.push(sample);
    else byCandidate.set(sample.candidate, [sample]);
  }
  const gains: (Gains | null)[] = candidates.map((_, at) =>
    fate.infeasible.has(at) ? null : geometricMean((byCandidate.get(at) ?? []).map((sample) => sample.gains)),
  );
  const front = onFront(gains);
  const rows = candidates.map(({ settings, label }, at): TuneRow => {
    const mine = byCandidate.get(at) ?? [];
    const estimate = fate.infeasible.has(at) ? undefined : estimates.of.get(at);
    const [status, reason] = statusOf(at, estimate?.cells ?? 0, cells, fate);
    return {
      settings,
      label: label.slice(0, 400),
      isBaseline: at === BASELINE,
      status,
      reason,
      measurements: mine.length,
      cells: estimate?.cells ?? 0,
      score: estimate === undefined ? null : scoreInterval(estimate, estimates),
      metrics: estimate === undefined ? null : meanMetrics(mine),
      gains: gains[at] ?? null,
      startupMs: startupMs(at),
      pareto: front[at] ?? false,
    };
  });
  const ranking = rankingOf(rows, estimates);
  const [first] = ranking;
  const winner = first === undefined ? undefined : rows[first];
  if (first === undefined || winner === undefined) return { rows, ranking, confidence: null };
  if (fate.ended) rows[first] = { ...winner, status: 'won', reason: null };
  const able = new Map([...estimates.of].filter(([at]) => !fate.infeasible.has(at)));
  const confidence = chanceBest(first, able, estimates.spread, createRandom(seed).fork('confidence'));
  return { rows, ranking, confidence };
}

/** First whoever is best of those measured in the most cells; the others by score, however far they came. */
function rankingOf(rows: readonly TuneRow[], estimates: Estimates): number[] {
  const measured = byScore(
    [...rows.keys()].filter((at) => rows[at]?.score !== null),
    estimates,
  );
  const most = Math.max(0, ...rows.map(({ cells }) => cells));
  const first = measured.find((at) => rows[at]?.cells === most && rows[at]?.status !== 'stopped');
  return first === undefined ? measured : [first, ...measured.filter((at) => at !== first)];
}
