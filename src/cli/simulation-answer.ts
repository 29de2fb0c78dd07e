/** What `kvlab simulate` answers: the summary of each point, as JSON or as a table for people. */
import {
  METRICS,
  overSeeds,
  type SimDistribution,
  type SimPoint,
  type SimRun,
  type SimSummary,
} from '../index.ts';
import { table, valueWithUnit } from './tables.ts';

const STATISTICS = ['mean', 'p50', 'p90', 'p95', 'p99'] as const;
type Statistics = Readonly<Record<(typeof STATISTICS)[number], number>>;

const DISTRIBUTIONS = ['ttftMs', 'tpotMs', 'e2eMs', 'itlMs', 'queueMs'] as const;
const SCALARS = [
  'requests',
  'finished',
  'tbtMs',
  'outputTokensPerSecond',
  'promptTokensPerSecond',
  'requestsPerSecond',
  'goodput',
  'attainment',
  'prefixHitRatio',
  'preemptions',
  'recomputedTokens',
  'steps',
  'meanBatch',
  'kvBlocks',
  'peakKvBlocks',
  'meanKvBlocks',
  'fragmentation',
  'durationMs',
  'steadyFromMs',
] as const satisfies readonly (keyof SimSummary)[];

/** Numbers are means over seeds; null where a repetition has none. */
export type PointAnswer = Readonly<Record<(typeof SCALARS)[number], number | null>> &
  Readonly<Record<(typeof DISTRIBUTIONS)[number], Statistics | null>> & {
    readonly settings: SimPoint['settings'];
    readonly status: SimPoint['status'];
    readonly reason: string | null;
    readonly costModel: string;
    readonly seeds: number;
  };

export type SimulationAnswer = PointAnswer & {
  readonly title: string;
  readonly complete: boolean;
  readonly notes: readonly string[];
  /** Of the simulation itself, on this machine. */
  readonly wallSeconds: number;
  /** Where a scenario has a sweep: every point; the fields above are those of the first. */
  readonly points?: readonly PointAnswer[];
};

function meanOf(values: readonly (number | null)[]): number | null {
  const numbers = values.filter((value) => value !== null);
  return numbers.length < values.length ? null : (overSeeds(numbers)?.mean ?? null);
}

function statisticsOf(distributions: readonly (SimDistribution | null)[]): Statistics | null {
  const present = distributions.filter((one) => one !== null);
  if (present.length === 0 || present.length < distributions.length) return null;
  return record(STATISTICS, (name) => meanOf(present.map((one) => one[name])) ?? 0);
}

function record<K extends string, T>(names: readonly K[], of: (name: K) => T): Record<K, T> {
  return Object.fromEntries(names.map((name) => [name, of(name)])) as Record<K, T>;
}

function pointAnswer({ settings, status, reason, costModel, repetitions }: SimPoint): PointAnswer {
  const summaries = repetitions.map(({ summary }) => summary);
  return {
    settings,
    status,
    reason,
    costModel,
    seeds: repetitions.length,
    ...record(SCALARS, (name) => meanOf(summaries.map((summary) => summary[name] ?? null))),
    ...record(DISTRIBUTIONS, (name) => statisticsOf(summaries.map((summary) => summary[name]))),
  };
}

const NOTHING: SimPoint = { settings: {}, status: 'failed', reason: null, costModel: '', repetitions: [] };

export function simulationAnswer(run: SimRun, wallSeconds: number): SimulationAnswer {
  const points = run.points.map(pointAnswer);
  const [first = pointAnswer(NOTHING)] = points;
  return {
    title: run.title,
    complete: run.complete,
    notes: run.notes,
    ...first,
    wallSeconds,
    ...(run.scenario.sweep.length > 0 ? { points } : {}),
  };
}

const HEADER = [
  'TTFT p50',
  'TTFT p99',
  'TPOT p50',
  'E2E p50',
  'output',
  'goodput',
  'hits',
  'preempted',
  'peak KV',
];

function cells(point: PointAnswer): string[] {
  if (point.status === 'failed') return [`failed: ${point.reason ?? ''}`];
  const show = (value: number | null | undefined, unit: string): string =>
    value === null || value === undefined ? '—' : valueWithUnit(value, unit);
  const peak = point.kvBlocks ? (100 * (point.peakKvBlocks ?? 0)) / point.kvBlocks : null;
  return [
    show(point.ttftMs?.p50, METRICS.ttft.unit),
    show(point.ttftMs?.p99, METRICS.ttft.unit),
    show(point.tpotMs?.p50, METRICS.tpot.unit),
    show(point.e2eMs?.p50, METRICS.e2e.unit),
    show(point.outputTokensPerSecond, METRICS.throughput.unit),
    show(point.goodput, METRICS.goodput.unit),
    point.prefixHitRatio === null ? '—' : valueWithUnit(100 * point.prefixHitRatio, '%'),
    show(point.preemptions, ''),
    show(peak, '%'),
  ];
}

export function simulationText(run: SimRun, answer: SimulationAnswer): string {
  const points = answer.points ?? [answer];
  const axes = [...new Set(points.flatMap(({ settings }) => Object.keys(settings)))];
  const rows = points.map((point) => [
    ...axes.map((path) => String(point.settings[path] ?? '')),
    ...cells(point),
  ]);
  const { requests, seeds, costModel } = answer;
  const times = seeds > 1 ? `, means of ${seeds} seeds` : '';
  return [
    `${run.title}: ${requests ?? 0} requests simulated in ${answer.wallSeconds.toFixed(2)} s${times}\n`,
    table([[...axes.map((path) => path.split('.').at(-1) ?? path), ...HEADER], ...rows]),
    `Times: ${costModel}\n`,
    ...run.notes.map((note) => `${note}\n`),
  ].join('');
}
