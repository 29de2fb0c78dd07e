/** The points of a simulation as rows of a table: means over seeds, each column with its definition. */
import { overSeeds } from '../charts/figures/simulation/seeds.ts';
import { simPointLabel } from '../charts/figures/simulation/subject.ts';
import { METRICS, SERVING_METRICS } from '../core/metrics/definitions.ts';
import type { SimRun, SimSummary } from '../core/run/simulation.ts';

export interface PointColumn {
  readonly name: string;
  readonly unit: string;
  readonly help: string;
  readonly read: (summary: SimSummary) => number | null;
}

export const POINT_COLUMNS: readonly PointColumn[] = [
  {
    name: 'Finished',
    unit: '',
    help: 'Requests that ran to their end.',
    read: ({ finished }) => finished,
  },
  {
    name: 'TTFT p50',
    unit: 'ms',
    help: METRICS.ttft.sentence,
    read: ({ ttftMs }) => ttftMs?.p50 ?? null,
  },
  { name: 'TTFT p99', unit: 'ms', help: METRICS.ttft.sentence, read: ({ ttftMs }) => ttftMs?.p99 ?? null },
  { name: 'TPOT p50', unit: 'ms', help: METRICS.tpot.sentence, read: ({ tpotMs }) => tpotMs?.p50 ?? null },
  {
    name: 'ITL p99',
    unit: 'ms',
    help: SERVING_METRICS.itlMs.sentence,
    read: ({ itlMs }) => itlMs?.p99 ?? null,
  },
  {
    name: 'TBT',
    unit: 'ms',
    help: SERVING_METRICS.tbtMs.sentence,
    read: ({ tbtMs }) => tbtMs ?? null,
  },
  { name: 'E2E p99', unit: 'ms', help: METRICS.e2e.sentence, read: ({ e2eMs }) => e2eMs?.p99 ?? null },
  {
    name: 'Output',
    unit: 'tok/s',
    help: METRICS.throughput.sentence,
    read: ({ outputTokensPerSecond }) => outputTokensPerSecond,
  },
  { name: 'Goodput', unit: 'req/s', help: METRICS.goodput.sentence, read: ({ goodput }) => goodput },
  {
    name: 'Hits',
    unit: 'share',
    help: 'Prompt tokens found in the prefix cache at first admission over all prompt tokens: counted in tokens, where the tab Accesses counts full blocks.',
    read: ({ prefixHitRatio }) => prefixHitRatio,
  },
  {
    name: 'Preemptions',
    unit: '',
    help: 'Requests that had to give their KV blocks back and start again.',
    read: ({ preemptions }) => preemptions,
  },
  {
    name: 'Peak KV',
    unit: 'share',
    help: 'Most blocks in use at once over all blocks of the pool.',
    read: ({ peakKvBlocks, kvBlocks }) => (kvBlocks > 0 ? peakKvBlocks / kvBlocks : null),
  },
];

export interface PointRow {
  readonly label: string;
  /** In the order of the columns. */
  readonly values: readonly (number | null)[];
  /** Why the point has no values. */
  readonly reason: string | null;
}

export function pointRows(run: SimRun): readonly PointRow[] {
  return run.points.map(({ settings, repetitions, reason }) => ({
    label: simPointLabel(settings) || 'This scenario',
    values: POINT_COLUMNS.map(
      ({ read }) => overSeeds(repetitions.flatMap(({ summary }) => read(summary) ?? []))?.value ?? null,
    ),
    reason: repetitions.length > 0 ? null : (reason ?? 'It failed without a recorded reason.'),
  }));
}

/** What the step times of a run rest on: `6,000 steps, all assumed`. */
export function basisSentence(run: SimRun): string | null {
  const sums = { measured: 0, interpolated: 0, extrapolated: 0, assumed: 0 };
  for (const { basis } of run.points.flatMap(({ repetitions }) => repetitions)) {
    sums.measured += basis.measured;
    sums.interpolated += basis.interpolated;
    sums.extrapolated += basis.extrapolated;
    sums.assumed += basis.assumed;
  }
  const parts = Object.entries(sums).filter(([, steps]) => steps > 0);
  const total = parts.reduce((sum, [, steps]) => sum + steps, 0);
  if (total === 0) return null;
  const [only] = parts;
  if (parts.length === 1 && only)
    return `The times of all ${total.toLocaleString('en')} steps are ${only[0]}.`;
  const words = parts.map(([name, steps]) => `${((100 * steps) / total).toFixed(1)} % ${name}`);
  return `Of the times of ${total.toLocaleString('en')} steps, ${words.join(', ')}.`;
}
