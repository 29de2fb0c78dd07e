/** The raw values that figures plot: core/metrics reads them out of a point; here are only the cuts that figures add. */
import { hasRepetitions, distributionSamples, scalarSamples } from '../../core/metrics/samples.ts';
import type { DistributionId, ScalarId } from '../../core/metrics/samples.ts';
import type { Point, StepSample } from '../../core/run/schema.ts';
import type { Clusters } from './statistics.ts';

export { hasRepetitions };

/** Figures show times and bytes as they are; objectives play no part in them. */
const NO_OBJECTIVES = { ttftMs: null, tpotMs: null };

/** One value a repetition. */
export function valuesOf(point: Point, id: ScalarId): number[] {
  return scalarSamples(point, id, NO_OBJECTIVES);
}

/** One list a repetition, of one request group or of all. */
export function clustersOf(point: Point, id: DistributionId, group?: string): Clusters {
  return distributionSamples(group === undefined ? point : onlyGroup(point, group), id);
}

function onlyGroup(point: Point, group: string): Point {
  const repetitions = point.repetitions.map((repetition) => ({
    ...repetition,
    requests: repetition.requests.filter((request) => request.group === group),
  }));
  return { ...point, repetitions };
}

/** Names of the request groups, in the order they first appear. */
export function groupsOf(point: Point): string[] {
  return [...new Set(point.repetitions.flatMap(({ requests }) => requests.map((request) => request.group)))];
}

function stepMsOf(steps: readonly StepSample[], phase: StepSample['phase']): number[] {
  return steps.flatMap((step) => (step.phase === phase ? [step.wallMs] : []));
}

/** Submit to done of every decode step. */
export function decodeStepClusters(point: Point): Clusters {
  if (!hasRepetitions(point)) return [];
  return point.repetitions.map(({ steps }) => stepMsOf(steps, 'decode')).filter((ms) => ms.length > 0);
}

/** Decode and eviction steps of a repetition together over its decode steps, ms. */
export function stepMsWithEviction(point: Point): number[] {
  if (!hasRepetitions(point)) return [];
  return point.repetitions.flatMap(({ steps }) => {
    const decodes = stepMsOf(steps, 'decode');
    const all = [...decodes, ...stepMsOf(steps, 'evict')].reduce((sum, ms) => sum + ms, 0);
    return decodes.length === 0 ? [] : [all / decodes.length];
  });
}
