/**
 * The raw values that figures plot, read out of a point by the definitions of core/metrics. Clusters hold one list a
 * repetition; plain lists hold one value a repetition.
 */
import { e2eMs, interTokenGapsMs, isFinished, spanMs } from '../../core/metrics/requests.ts';
import type { Point, Repetition, StepSample } from '../../core/run/schema.ts';
import type { Clusters } from './statistics.ts';

/** A point that ran and kept something. */
export function hasSamples(point: Point): boolean {
  return (point.status === 'done' || point.status === 'shrunk') && point.repetitions.length > 0;
}

function repetitionsOf(point: Point): readonly Repetition[] {
  return hasSamples(point) ? point.repetitions : [];
}

function sumOf(steps: readonly StepSample[], of: (step: StepSample) => number): number {
  return steps.reduce((sum, step) => sum + of(step), 0);
}

function phaseOf({ steps }: Repetition, phase: StepSample['phase']): StepSample[] {
  return steps.filter((step) => step.phase === phase);
}

/** `decodeStepMs`: submit to done of every decode step. */
export function decodeStepMs(point: Point): Clusters {
  return repetitionsOf(point).map((repetition) => phaseOf(repetition, 'decode').map((step) => step.wallMs));
}

/** `itl`: every gap between two tokens of a finished request, of one group or of all. */
export function tokenGapsMs(point: Point, group?: string): Clusters {
  return repetitionsOf(point).map((repetition) => {
    const requests = repetition.requests.filter((r) => group === undefined || r.group === group);
    return interTokenGapsMs({ ...repetition, requests });
  });
}

/** `e2e` of every finished request of a group. */
export function requestLatencyMs(point: Point, group?: string): Clusters {
  return repetitionsOf(point).map(({ requests }) =>
    requests
      .filter((r) => group === undefined || r.group === group)
      .flatMap((r) => (isFinished(r) ? [e2eMs(r)] : [])),
  );
}

/** `kvReadGBps`, on the GPU's clock where every step has it. */
export function kvReadGBps(point: Point): number[] {
  return repetitionsOf(point).flatMap((repetition) => {
    const steps = phaseOf(repetition, 'decode');
    const onGpu = steps.every((step) => step.gpuMs !== null);
    const ms = sumOf(steps, (step) => (onGpu ? (step.gpuMs ?? 0) : step.wallMs));
    return ms > 0 ? [sumOf(steps, (step) => step.kvReadBytes) / ms / 1e6] : [];
  });
}

/** `prefillMs` of each repetition that had prefill. */
export function prefillMs(point: Point): number[] {
  return repetitionsOf(point).flatMap((repetition) => {
    const steps = phaseOf(repetition, 'prefill');
    return steps.length === 0 ? [] : [sumOf(steps, (step) => step.wallMs)];
  });
}

/** Decode and eviction steps together over the decode steps, ms. */
export function stepMsWithEviction(point: Point): number[] {
  return repetitionsOf(point).flatMap((repetition) => {
    const decodes = phaseOf(repetition, 'decode');
    const all =
      sumOf(decodes, (step) => step.wallMs) + sumOf(phaseOf(repetition, 'evict'), (step) => step.wallMs);
    return decodes.length === 0 ? [] : [all / decodes.length];
  });
}

/** `throughput` of each repetition, tok/s. */
export function throughput(point: Point): number[] {
  return repetitionsOf(point).flatMap(({ requests }) => {
    const span = spanMs(requests);
    const tokens = requests.filter(isFinished).reduce((sum, request) => sum + request.outputTokens, 0);
    return span === null ? [] : [(tokens / span) * 1000];
  });
}

/** Names of the request groups, in the order they first appear. */
export function groupsOf(point: Point): string[] {
  return [...new Set(point.repetitions.flatMap(({ requests }) => requests.map((request) => request.group)))];
}
