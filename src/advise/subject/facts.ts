/** Figures of a run out of repetitions of the simulator's shape: means over repetitions, the first one's distributions. */
import { mean } from '../../core/metrics/percentiles.ts';
import type { SimRepetition, SimSummary } from '../../core/run/simulation.ts';
import type { Facts } from './subject.ts';

function meanOf(values: readonly (number | null | undefined)[]): number | null {
  const known = values.flatMap((value) => value ?? []);
  return known.length === 0 ? null : mean(known);
}

/** Share of a series' time in which `is` holds; each sample holds until the next. */
function timeShare({ series }: SimRepetition, is: (at: number) => boolean): number | null {
  const times = series.timeMs;
  let [held, all] = [0, 0];
  for (let at = 0; at + 1 < times.length; at++) {
    const span = Math.max(0, (times[at + 1] ?? 0) - (times[at] ?? 0));
    all += span;
    if (is(at)) held += span;
  }
  return all > 0 ? held / all : null;
}

/** Two in a hundred stretches of time is no limit. */
function fullBatch({ series }: SimRepetition, limit: number): (at: number) => boolean {
  return (at) => (series.running[at] ?? 0) >= limit && (series.waiting[at] ?? 0) > 0;
}

function within(summaries: readonly SimSummary[], objective: 'ttftMs' | 'tpotMs' | 'e2eMs'): number | null {
  return meanOf(
    summaries.map(({ withinObjective, finished }) => {
      const kept = withinObjective?.[objective] ?? null;
      return kept === null || finished === 0 ? null : kept / finished;
    }),
  );
}

/** @param maxSequences of all replicas together */
export function factsOf(
  repetitions: readonly SimRepetition[],
  maxSequences: number,
  origin: Facts['origin'],
): Facts {
  const summaries = repetitions.map(({ summary }) => summary);
  const of = (read: (summary: SimSummary) => number | null | undefined): number | null =>
    meanOf(summaries.map(read));
  const [first] = repetitions;
  const running = first?.series.running.flatMap((value) => value ?? []) ?? [];
  return {
    origin,
    requests: of(({ requests }) => requests),
    ttftMs: first?.summary.ttftMs ?? null,
    tpotMs: first?.summary.tpotMs ?? null,
    itlMs: first?.summary.itlMs ?? null,
    e2eMs: first?.summary.e2eMs ?? null,
    attainment: of(({ attainment }) => attainment),
    within: {
      ttftMs: within(summaries, 'ttftMs'),
      tpotMs: within(summaries, 'tpotMs'),
      e2eMs: within(summaries, 'e2eMs'),
    },
    outputTokensPerSecond: of(({ outputTokensPerSecond }) => outputTokensPerSecond),
    preemptions: of(({ preemptions }) => preemptions),
    recomputedTokens: of(({ recomputedTokens }) => recomputedTokens),
    peakKvUse: of(({ kvBlocks, peakKvBlocks }) => (kvBlocks > 0 ? peakKvBlocks / kvBlocks : null)),
    meanKvUse: of(({ kvBlocks, meanKvBlocks }) => (kvBlocks > 0 ? meanKvBlocks / kvBlocks : null)),
    fragmentation: of(({ fragmentation, meanKvBlocks }) => (meanKvBlocks > 0 ? fragmentation : null)),
    hitRatio: of(({ prefixHitRatio }) => prefixHitRatio),
    waitingShare: meanOf(repetitions.map((one) => timeShare(one, (at) => (one.series.waiting[at] ?? 0) > 0))),
    fullBatchShare: meanOf(repetitions.map((one) => timeShare(one, fullBatch(one, maxSequences)))),
    meanRunning: running.length === 0 ? null : mean(running),
    maxRunning: running.length === 0 ? null : running.reduce((most, value) => Math.max(most, value), 0),
    steady: first === undefined ? null : first.summary.steadyFromMs !== null,
    tierInBytes: first === undefined ? null : first.tiers.reduce((sum, { inBytes }) => sum + inBytes, 0),
    tierHitTokens:
      first === undefined ? null : first.tiers.reduce((sum, { hitTokens }) => sum + hitTokens, 0),
  };
}
