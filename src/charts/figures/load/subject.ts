/** What the figures of a load read out of it: its points with their summaries, and the lines that all of them share. */
import { summarizeLoad, type LoadSummary } from '../../../core/metrics/load/summary.ts';
import type { LoadPoint, LoadRun, WatchRun } from '../../../core/run/load.ts';
import type { SimSummary } from '../../../core/run/simulation.ts';
import { formatNumber } from '../../format.ts';

export interface LoadCase {
  /** Settings in words; empty where the run has one point only. */
  readonly label: string;
  readonly point: LoadPoint;
  readonly measured: readonly LoadSummary[];
  readonly predicted: readonly SimSummary[];
}

const cases = new WeakMap<LoadRun, readonly LoadCase[]>();

/** Points with at least one kept repetition. Computed once a run. */
export function loadCases(run: LoadRun): readonly LoadCase[] {
  const known = cases.get(run);
  if (known) return known;
  const made = run.points
    .filter(({ repetitions }) => repetitions.length > 0)
    .map((point) => ({
      label: point.label === 'single point' ? '' : point.label,
      point,
      measured: point.repetitions.map(({ measured }) => summarizeLoad(measured, run.scenario.objectives)),
      predicted: point.repetitions.flatMap(({ predicted }) => predicted ?? []),
    }));
  cases.set(run, made);
  return made;
}

function fitNotes(run: LoadRun): string[] {
  const fit = run.points.find((point) => point.fit !== null)?.fit;
  if (!fit) return [];
  return [
    `Predicted by the simulator with step times fitted on ${formatNumber(fit.steps)} steps seen from outside in repetitions of other seeds (${fit.meanErrorPercent.toFixed(0)} % off on a single one); network and client are part of them.`,
  ];
}

/** The parts of a spec that every figure of a load shares. */
export function loadProvenance(run: LoadRun, own: readonly string[] = []) {
  const without = run.points
    .filter(({ status }) => status !== 'done')
    .map(({ label, reason }) => `${label}: ${reason ?? 'without a reason'}`);
  const cut = run.complete ? [] : ['The run is not complete; what was measured is shown.'];
  return {
    subtitle: [`${run.model} on ${run.server.kind}`, run.scenario.api, run.client].join(' · '),
    origin: run.origin,
    notes: [...own, ...fitNotes(run), ...run.notes, ...without, ...cut],
    source: { runId: run.id, command: run.command, createdAt: run.createdAt },
  };
}

export function watchProvenance(run: WatchRun) {
  const cut = run.complete ? [] : ['The watch is not complete; what was seen is shown.'];
  return {
    subtitle: `${run.server}, a look every ${formatNumber(run.intervalSeconds)} s`,
    origin: run.origin,
    notes: [...run.notes, ...cut],
    source: { runId: run.id, command: run.command, createdAt: run.createdAt },
  };
}

export function signedPercent(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(0)} %`;
}
