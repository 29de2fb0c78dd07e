/** What the cache did over time, with the autopilot and without: one builder, a row for each figure. */
import { AUTOPILOT_METRICS } from '../../../core/metrics/autopilot/definitions.ts';
import type { AutopilotRun } from '../../../core/run/autopilot.ts';
import type { FigureReference, FigureSpec } from '../../figure.ts';
import { formatNumber, formatValue } from '../../format.ts';
import {
  actedPlans,
  autopilotProvenance,
  courseOf,
  sidesOf,
  type NamedSide,
  type SeriesColumn,
} from './subject.ts';

interface Course {
  readonly column: SeriesColumn;
  readonly title: string;
  readonly step: boolean;
  /** Level that the policy keeps. */
  readonly target?: (run: AutopilotRun) => FigureReference | null;
  /** A clause about one side; '' where there is nothing to say. */
  readonly clause: (side: NamedSide, run: AutopilotRun) => string;
}

const known = (column: readonly (number | null)[]): number[] => column.filter((value) => value !== null);

const peak = ({ side }: NamedSide, column: SeriesColumn): number | null => {
  const values = known(side.series[column]);
  return values.length === 0 ? null : Math.max(...values);
};

const last = ({ side }: NamedSide, column: SeriesColumn): number | null =>
  known(side.series[column]).at(-1) ?? null;

/** Share of the looks in which a column was above a level; null without looks. */
export function shareAbove(column: readonly (number | null)[], level: number): number | null {
  const values = known(column);
  return values.length === 0 ? null : values.filter((value) => value > level).length / values.length;
}

function aboveClause(side: NamedSide, column: SeriesColumn, level: number | null, unit: string): string {
  const most = peak(side, column);
  if (most === null) return `${side.label}: no look had one`;
  const above = level === null ? null : shareAbove(side.side.series[column], level);
  const over =
    above === null || level === null
      ? ''
      : `, above ${formatValue(level, unit)} in ${formatValue(above, 'share')} of the looks`;
  return `${side.label}: at most ${formatValue(most, unit)}${over}`;
}

const COURSES: readonly Course[] = [
  {
    column: 'kvUse',
    title: 'KV use over time',
    step: true,
    target: ({ scenario }) => ({ y: scenario.policy.kvUseTarget, label: 'target' }),
    clause: (side, { scenario }) => aboveClause(side, 'kvUse', scenario.policy.kvUseTarget, 'share'),
  },
  {
    column: 'p95Ms',
    title: 'p95 latency over time',
    step: false,
    target: latencyTarget,
    clause: (side, { scenario }) => aboveClause(side, 'p95Ms', scenario.policy.latencyP95Ms, 'ms'),
  },
  {
    column: 'ttftP95Ms',
    title: 'p95 time to first token over time',
    step: false,
    clause: (side) => aboveClause(side, 'ttftP95Ms', null, 'ms'),
  },
  {
    column: 'preemptions',
    title: 'Preemptions, added up',
    step: true,
    clause: (side) => `${side.label}: ${formatNumber(last(side, 'preemptions') ?? 0)}`,
  },
  {
    column: 'running',
    title: 'Sequences running',
    step: true,
    clause: (side) => aboveClause(side, 'running', null, ''),
  },
  {
    column: 'waiting',
    title: 'Requests waiting',
    step: true,
    clause: (side) => aboveClause(side, 'waiting', null, ''),
  },
  {
    column: 'hostBytes',
    title: 'KV in lower tiers',
    step: true,
    clause: (side) => aboveClause(side, 'hostBytes', null, 'bytes'),
  },
  {
    column: 'outputTokensPerSecond',
    title: 'Output over time',
    step: false,
    clause: (side) => aboveClause(side, 'outputTokensPerSecond', null, 'tokens/s'),
  },
];

function latencyTarget({ scenario }: AutopilotRun): FigureReference | null {
  const { latencyP95Ms } = scenario.policy;
  return latencyP95Ms === null ? null : { y: latencyP95Ms, label: 'target' };
}

/** Columns of which nothing is drawn while they stay at zero: their absence is said by the numbers of the run. */
const SILENT_AT_ZERO: ReadonlySet<SeriesColumn> = new Set(['preemptions', 'hostBytes', 'waiting']);

function isWorthDrawing(sides: readonly NamedSide[], column: SeriesColumn): boolean {
  const values = sides.flatMap(({ side }) => known(side.series[column]));
  return SILENT_AT_ZERO.has(column) ? values.some((value) => value > 0) : values.length > 0;
}

function figure(run: AutopilotRun, { column, title, step, target, clause }: Course): FigureSpec | null {
  const sides = sidesOf(run);
  if (!isWorthDrawing(sides, column)) return null;
  const metric = AUTOPILOT_METRICS[column];
  const reference = target?.(run) ?? null;
  const acted = actedPlans(run).map(({ atMs }) => atMs);
  return {
    id: `autopilot_${column.toLowerCase()}`,
    mark: 'line',
    title,
    x: { label: 'Time', unit: 'ms', scale: 'linear', tight: true },
    y: { label: metric.title, unit: metric.unit, scale: 'linear' },
    series: sides.map((named) => ({
      id: named.id,
      label: sides.length === 1 ? '' : named.label,
      colour: named.colour,
      quantity: named.id,
      ...(step ? { step: true } : {}),
      ...(named.id === 'without' ? { dashed: true } : {}),
      points: courseOf(named.side.series, column),
    })),
    ...(reference === null ? {} : { references: [reference] }),
    ...(acted.length === 0 ? {} : { events: { label: 'plans that acted', at: acted } }),
    definition: metric.definition,
    finding: `${capital(sides.map((side) => clause(side, run)).join('; '))}.`,
    ...autopilotProvenance(run),
  };
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

export function overTime(run: AutopilotRun): FigureSpec[] {
  return COURSES.flatMap((course) => figure(run, course) ?? []);
}
