/** An autopilot's run as tables: one row a look at the cache, or one a plan. */
import type { AutopilotRun, AutopilotSide } from '../../core/run/autopilot.ts';
import { toCsv, type Cell } from '../csv.ts';

const SERIES = [
  'timeMs',
  'kvUse',
  'hostBytes',
  'running',
  'waiting',
  'preemptions',
  'p95Ms',
  'ttftP95Ms',
  'outputTokensPerSecond',
] as const;

function sideRows(side: AutopilotSide, name: string): Cell[][] {
  return side.series.timeMs.map((_, at) => [
    name,
    ...SERIES.map((column) => side.series[column][at] ?? null),
  ]);
}

export function autopilotSeriesToCsv(run: AutopilotRun): string {
  const without = run.without === null ? [] : sideRows(run.without, 'without');
  return toCsv(['autopilot', ...SERIES], [...sideRows(run.with, 'with'), ...without]);
}

const PLAN_COLUMNS = [
  'planId',
  'atMs',
  'status',
  'actionsCompleted',
  'actionsTotal',
  'kvUseBefore',
  'kvUseAfter',
  'qualityDelta',
  'qualityUpper',
  'rollbackReason',
  'cause',
] as const;

export function autopilotPlansToCsv({ plans }: AutopilotRun): string {
  return toCsv(
    PLAN_COLUMNS,
    plans.map((plan) => PLAN_COLUMNS.map((column) => plan[column])),
  );
}
