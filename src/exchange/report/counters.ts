/** What a run counted, point by point: requests, failures, tokens, preemptions, cache hits, and latencies in short. */
import { formatNumber, formatValue } from '../../charts/format.ts';
import { summarizeLoad } from '../../core/metrics/load/summary.ts';
import { servedRepetition, shapeOf } from '../../core/metrics/serving/served.ts';
import { overSeeds } from '../../core/metrics/serving/seeds.ts';
import type { Run } from '../../core/run/schema.ts';
import type { SimSummary } from '../../core/run/simulation.ts';
import { section, type ReportPart } from './parts.ts';

interface Counted {
  readonly label: string;
  readonly summaries: readonly SimSummary[];
  /** Beside the summaries, one entry a line. */
  readonly more: readonly (readonly [string, string])[];
}

function words(settings: Readonly<Record<string, number | string>>): string {
  const parts = Object.entries(settings).map(([path, value]) => `${path.split('.').at(-1) ?? path} ${value}`);
  return parts.join(', ') || 'all requests';
}

function countedOf(run: Run): Counted[] {
  switch (run.kind) {
    case 'simulate':
      return run.points.map(({ settings, repetitions }) => ({
        label: words(settings),
        summaries: repetitions.map(({ summary }) => summary),
        more: [],
      }));
    case 'serve':
      return run.points.map((point) => ({
        label: `${words(point.settings)}, ${point.backend}`,
        summaries: point.repetitions.map(
          ({ measured }) => servedRepetition(measured, shapeOf(point, run.scenario)).summary,
        ),
        more: [],
      }));
    case 'load':
      return run.points.map(({ label, repetitions }) => {
        const loads = repetitions.map(({ measured }) => summarizeLoad(measured, run.scenario.objectives));
        const sum = (of: (load: (typeof loads)[number]) => number): string =>
          formatNumber(loads.reduce((total, load) => total + of(load), 0));
        const errors = new Map<string, number>();
        for (const load of loads)
          for (const [kind, count] of Object.entries(load.errors))
            errors.set(kind, (errors.get(kind) ?? 0) + count);
        return {
          label,
          summaries: loads.map(({ summary }) => summary),
          more: [
            ['Failed', sum(({ failed }) => failed)],
            ['Never sent', sum(({ notSent }) => notSent)],
            ['Sent again', sum(({ retries }) => retries)],
            ...[...errors].map(([kind, count]) => [`Errors: ${kind}`, String(count)] as const),
          ],
        };
      });
    case 'autopilot':
      return [
        { label: 'with the autopilot', summaries: run.with.summary ? [run.with.summary] : [], more: [] },
        { label: 'without', summaries: run.without?.summary ? [run.without.summary] : [], more: [] },
      ].filter(({ summaries }) => summaries.length > 0);
    default:
      return [];
  }
}

type Line = readonly [name: string, unit: string, of: (summary: SimSummary) => number | null];

const LINES: readonly Line[] = [
  ['Requests', '', ({ requests }) => requests],
  ['Finished', '', ({ finished }) => finished],
  ['Duration', 'ms', ({ durationMs }) => durationMs],
  ['TTFT p50', 'ms', ({ ttftMs }) => ttftMs?.p50 ?? null],
  ['TTFT p99', 'ms', ({ ttftMs }) => ttftMs?.p99 ?? null],
  ['TPOT p50', 'ms', ({ tpotMs }) => tpotMs?.p50 ?? null],
  ['TPOT p99', 'ms', ({ tpotMs }) => tpotMs?.p99 ?? null],
  ['ITL p99', 'ms', ({ itlMs }) => itlMs?.p99 ?? null],
  ['E2E p50', 'ms', ({ e2eMs }) => e2eMs?.p50 ?? null],
  ['E2E p99', 'ms', ({ e2eMs }) => e2eMs?.p99 ?? null],
  ['Output throughput', 'tok/s', ({ outputTokensPerSecond }) => outputTokensPerSecond],
  ['Goodput', 'req/s', ({ goodput }) => goodput],
  ['Kept the objectives', 'share', ({ attainment }) => attainment],
  ['Prefix hits', 'share', ({ prefixHitRatio }) => prefixHitRatio],
  // Who does not see the pool, such as the client of a load, sees no preemption either.
  ['Preemptions', '', ({ kvBlocks, preemptions }) => (kvBlocks > 0 ? preemptions : null)],
  ['Recomputed tokens', '', ({ kvBlocks, recomputedTokens }) => (kvBlocks > 0 ? recomputedTokens : null)],
  ['KV blocks', '', ({ kvBlocks }) => kvBlocks || null],
  ['Peak KV use', 'share', ({ kvBlocks, peakKvBlocks }) => (kvBlocks > 0 ? peakKvBlocks / kvBlocks : null)],
];

function cell({ summaries }: Counted, [, unit, of]: Line): string {
  const values = summaries.flatMap((summary) => of(summary) ?? []);
  const known = overSeeds(values);
  return known === null ? '–' : formatValue(known.mean, unit);
}

const MOST_COLUMNS = 8;

export function counterParts(run: Run, baseline: Run | null): ReportPart[] {
  const sides = baseline === null ? [run] : [baseline, run];
  const all = sides.flatMap((side, at) =>
    countedOf(side).map((counted) => ({
      ...counted,
      label: sides.length === 1 ? counted.label : `${at === 0 ? 'Before' : 'After'}: ${counted.label}`,
    })),
  );
  const shown = all.filter(({ summaries }) => summaries.length > 0).slice(0, MOST_COLUMNS);
  if (shown.length === 0) return [];
  const rows = LINES.map((line) => [line[0], ...shown.map((counted) => cell(counted, line))]).filter((row) =>
    row.slice(1).some((text) => text !== '–'),
  );
  const extra = [...new Set(shown.flatMap(({ more }) => more.map(([name]) => name)))].map((name) => [
    name,
    ...shown.map(({ more }) => more.find(([known]) => known === name)?.[1] ?? '–'),
  ]);
  const left = all.length - shown.length;
  const seeds = shown.some(({ summaries }) => summaries.length > 1) ? ' Means over repetitions.' : '';
  return section('Counters', [
    { kind: 'table', head: ['', ...shown.map(({ label }) => label)], rows: [...rows, ...extra] },
    ...(left > 0 || seeds !== ''
      ? [
          {
            kind: 'text',
            text: `${left > 0 ? `${left} more points are in the run.` : ''}${seeds}`.trim(),
          } as const,
        ]
      : []),
  ]);
}
