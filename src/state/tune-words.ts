/** A tuning in words: what won, by how much, and how sure that is. */
import { formatNumber, formatValue } from '../charts/format.ts';
import type { TuneRow, TuneRun } from '../core/run/tune.ts';

export interface RankedRow {
  readonly row: TuneRow;
  readonly place: number;
}

/** Rows in the order of the ranking, then those that were never measured. */
export function rankedRows(run: TuneRun): RankedRow[] {
  const ranked = run.ranking.flatMap((index) => run.rows[index] ?? []);
  const others = run.rows.filter((row) => !ranked.includes(row));
  return [...ranked, ...others].map((row, at) => ({ row, place: at + 1 }));
}

export function winnerOf(run: TuneRun): TuneRow | null {
  return run.rows[run.ranking[0] ?? -1] ?? null;
}

export function tuneHeadline(run: TuneRun): string {
  const winner = winnerOf(run);
  if (winner === null) return 'Nothing was measured';
  return winner.isBaseline ? 'The baseline is best' : winner.label;
}

export interface TuneNumber {
  readonly label: string;
  readonly value: string;
  readonly beside: string;
  readonly help: string;
}

const times = (gain: number | undefined): string =>
  gain === undefined ? '' : `${formatNumber(gain)} times as good as the baseline`;

/** Some servers do not tell what they take. */
export function memoryWords(bytes: number): string {
  return bytes === 0 ? 'not told' : formatValue(bytes, 'bytes');
}

/** What stands first of a tuning. */
export function tuneNumbers(run: TuneRun): TuneNumber[] {
  const winner = winnerOf(run);
  const { metrics, gains, score } = winner ?? { metrics: null, gains: null, score: null };
  const { taken, full, skipped } = run.counts;
  const left = skipped.halved + skipped.separated;
  return [
    {
      label: 'Score',
      value: score === null ? 'none' : formatNumber(score.value),
      beside:
        score === null
          ? ''
          : `${formatNumber(score.low)} to ${formatNumber(score.high)}; 100 is the baseline`,
      help: 'Geometric mean of how many times better it is in first token, throughput and memory, by the profile’s weights; 95 % interval.',
    },
    {
      label: 'First token',
      value: metrics === null ? 'none' : formatValue(metrics.ttftMs, 'ms'),
      beside: times(gains?.ttft),
      help: 'Mean time to the first token over the cells that it was measured in.',
    },
    {
      label: 'Throughput',
      value: metrics === null ? 'none' : `${formatNumber(metrics.outputTokensPerSecond)} tok/s`,
      beside: times(gains?.throughput),
      help: 'Output tokens a second, mean over the cells.',
    },
    {
      label: 'Memory',
      value: metrics === null ? 'none' : memoryWords(metrics.memoryBytes),
      beside: metrics?.memoryBytes === 0 ? 'counts the same for all' : times(gains?.memory),
      help: 'Weights, KV and work at their highest.',
    },
    {
      label: 'Confidence',
      value: run.confidence === null ? 'none' : formatValue(run.confidence, 'share'),
      beside: run.complete ? 'that it is the best of all' : 'among what is measured so far',
      help: 'Chance that the first of the ranking is the best of all that were tried, from the spread of the measurements.',
    },
    {
      label: 'Measured',
      value: `${formatNumber(taken)} of ${formatNumber(full)}`,
      beside: `${formatNumber(left)} skipped by stopping early`,
      help: 'Measurements taken, of those that a full grid would take; the baseline beside the others is not counted.',
    },
  ];
}

export const STATUS_WORDS: Readonly<Record<TuneRow['status'], string>> = {
  won: 'first',
  finalist: 'measured in full',
  stopped: 'left early',
  infeasible: 'cannot run',
  waiting: 'not measured',
};
