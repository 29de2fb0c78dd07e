/** What the figures of a serving run read out of it: its points with both sides computed, and the line under the title. */
import {
  servedPoint,
  type PredictedMetric,
  type ServedPoint,
} from '../../../core/metrics/serving/predicted.ts';
import { shapeOf } from '../../../core/metrics/serving/served.ts';
import { adapterName } from '../../../core/run/adapter-name.ts';
import type { ServePoint, ServeRun } from '../../../core/run/serve.ts';
import { formatNumber } from '../../format.ts';
import { simPointLabel } from '../simulation/subject.ts';

export interface ServeCase {
  /** Settings in words; empty where the run has one point only. */
  readonly label: string;
  readonly point: ServePoint;
  readonly sides: ServedPoint;
}

const cases = new WeakMap<ServeRun, readonly ServeCase[]>();

/** Points with at least one kept repetition. Computed once a run. */
export function casesOf(run: ServeRun): readonly ServeCase[] {
  const known = cases.get(run);
  if (known) return known;
  const made = run.points
    .filter(({ repetitions }) => repetitions.length > 0)
    .map((point) => ({
      label: simPointLabel(point.settings),
      point,
      sides: servedPoint(point, shapeOf(point, run.scenario)),
    }));
  cases.set(run, made);
  return made;
}

export function pairOf({ sides }: ServeCase, metric: PredictedMetric) {
  return sides.pairs.find((pair) => pair.metric === metric);
}

export function signedPercent(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)}\u00a0%`;
}

/** `tinystories-656k · KV f32 · blocks of 16 · SwiftShader`. */
function subtitleOf({ scenario, model, environment }: ServeRun): string {
  const swept = new Set(scenario.sweep.map(({ path }) => path));
  const unless = (path: string, words: string) => (swept.has(path) ? [] : [words]);
  return [
    model,
    ...unless('engine.kvFormat', `KV ${scenario.engine.kvFormat}`),
    ...unless('engine.blockSize', `blocks of ${scenario.engine.blockSize}`),
    adapterName(environment.adapter),
  ].join(' · ');
}

/** What the predictions rest on, a sentence for each fit. */
function fitNotes(run: ServeRun): string[] {
  const fits = run.points.flatMap(({ fit }) => (fit === null ? [] : [fit]));
  const distinct = [...new Map(fits.map((fit) => [JSON.stringify(fit), fit])).values()];
  return distinct.map(
    ({ steps, from, meanErrorPercent }) =>
      `Predicted by the simulator with step times fitted on ${formatNumber(steps)} steps of ${from.length} other ` +
      `${from.length === 1 ? 'repetition' : 'repetitions'} (${meanErrorPercent.toFixed(0)} % off on a single one of them).`,
  );
}

/** The parts of a spec that every figure of a run shares. */
export function serveProvenance(run: ServeRun, own: readonly string[] = []) {
  const without = run.points
    .filter(({ reason }) => reason !== null)
    .map(({ settings, reason }) => `${simPointLabel(settings) || 'The one point'}: ${reason ?? ''}`);
  const cut = run.complete ? [] : ['The run is not complete; what was measured is shown.'];
  return {
    subtitle: subtitleOf(run),
    origin: run.origin,
    notes: [...own, ...fitNotes(run), ...run.notes, ...without, ...cut],
    source: { runId: run.id, command: run.command, createdAt: run.createdAt },
  };
}
