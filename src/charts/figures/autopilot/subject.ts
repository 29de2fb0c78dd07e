/** What the figures of an autopilot read out of a run: its sides, the line under the title, origin and notes. */
import { adapterName } from '../../../core/run/adapter-name.ts';
import type { AutopilotRun, AutopilotSeries, AutopilotSide, PlanState } from '../../../core/run/autopilot.ts';

/** One way through the requests, under its name in legends. */
export interface NamedSide {
  readonly id: 'with' | 'without';
  readonly label: string;
  readonly colour: number;
  readonly side: AutopilotSide;
}

export function sidesOf(run: AutopilotRun): NamedSide[] {
  const label = run.scenario.dryRun ? 'planned only' : 'with autopilot';
  const own: NamedSide = { id: 'with', label, colour: 0, side: run.with };
  if (run.without === null) return [own];
  return [own, { id: 'without', label: 'without', colour: 1, side: run.without }];
}

/** Points of one line; more would lie within a pixel of each other. */
const MAX_TIMES = 240;

export type SeriesColumn = Exclude<keyof AutopilotSeries, 'timeMs'>;

/** A column brought down to what a figure can show: of the samples on one pixel the largest; looks without one are no points. */
export function courseOf(
  { timeMs, ...columns }: AutopilotSeries,
  column: SeriesColumn,
): { readonly x: number; readonly y: number }[] {
  const values = columns[column];
  const count = Math.min(MAX_TIMES, timeMs.length);
  return Array.from({ length: count }, (_, i) => i).flatMap((i) => {
    const [from, to] = [
      Math.floor((i * timeMs.length) / count),
      Math.floor(((i + 1) * timeMs.length) / count),
    ];
    const known = values.slice(from, to).filter((value) => value !== null);
    return known.length === 0 ? [] : [{ x: timeMs[from] ?? 0, y: Math.max(...known) }];
  });
}

/** A plan on an axis: its number. */
export function planNumber({ planId }: PlanState): string {
  return planId.replace(/^plan-/, '');
}

/** Plans that did something to the cache. */
export function actedPlans({ plans }: AutopilotRun): PlanState[] {
  return plans.filter(({ actionsCompleted, status }) => actionsCompleted > 0 || status === 'rolledBack');
}

/** `Llama-3.1-8B · h100-sxm · seed 1`. */
export function autopilotSubtitle({ scenario, environment }: AutopilotRun): string {
  const { simulation, backend } = scenario;
  const where =
    backend === 'simulator'
      ? [simulation.model, simulation.hardware.gpu]
      : ['loaded model', environment === null ? 'this GPU' : adapterName(environment.adapter)];
  return [...where, `seed ${scenario.seed}`].join(' · ');
}

/** The parts of a spec that every figure of a run shares. */
export function autopilotProvenance(run: AutopilotRun, own: readonly string[] = []) {
  const cut = run.complete ? [] : ['The run is not complete; what there is of it is shown.'];
  return {
    subtitle: autopilotSubtitle(run),
    origin: run.origin,
    notes: [...own, ...run.notes, ...cut],
    source: { runId: run.id, command: run.command, createdAt: run.createdAt },
  };
}
