/**
 * The raw values that figures plot, read out of a point. Clusters hold one list a repetition; plain lists hold one value
 * a repetition.
 */
import type { Point, Repetition, RequestRow } from '../../core/run/schema.ts';
import type { Clusters } from './statistics.ts';

/** A point that ran and kept something. */
export function hasSamples(point: Point): boolean {
  return (point.status === 'done' || point.status === 'shrunk') && point.repetitions.length > 0;
}

function repetitionsOf(point: Point): readonly Repetition[] {
  return hasSamples(point) ? point.repetitions : [];
}

/** Submit to done of every decode step, ms: the gap that each sequence sees between two of its tokens. */
export function decodeStepMs(point: Point): Clusters {
  return repetitionsOf(point).map(({ steps }) =>
    steps.flatMap((s) => (s.phase === 'decode' ? [s.wallMs] : [])),
  );
}

/** Decode attention's reading rate of every step, GB/s, on the GPU's clock where there is one. */
export function decodeGBps(point: Point): Clusters {
  return repetitionsOf(point).map(({ steps }) =>
    steps.flatMap(({ phase, gpuMs, wallMs, kvReadBytes }) => {
      const ms = gpuMs ?? wallMs;
      return phase === 'decode' && ms > 0 ? [kvReadBytes / ms / 1e6] : [];
    }),
  );
}

/** Time in prefill, ms, over all sequences and chunks of a repetition. */
export function prefillMs(point: Point): number[] {
  return repetitionsOf(point).flatMap(({ steps }) => {
    const times = steps.flatMap((step) => (step.phase === 'prefill' ? [step.wallMs] : []));
    return times.length === 0 ? [] : [times.reduce((sum, ms) => sum + ms, 0)];
  });
}

/** Decode and eviction steps together over the decode steps, ms. */
export function stepMsWithEviction(point: Point): number[] {
  return repetitionsOf(point).flatMap(({ steps }) => {
    const decodes = steps.filter((step) => step.phase === 'decode').length;
    const times = steps.flatMap((step) => (step.phase === 'prefill' ? [] : [step.wallMs]));
    return decodes === 0 ? [] : [times.reduce((sum, ms) => sum + ms, 0) / decodes];
  });
}

/** Output tokens of a repetition's finished requests over the time from the first start to the last end, tok/s. */
export function tokensPerSecond(point: Point): number[] {
  return repetitionsOf(point).flatMap(({ requests }) => {
    const done = requests.filter(isFinished);
    const tokens = done.reduce((sum, request) => sum + request.outputTokens, 0);
    const first = Math.min(...done.map((request) => request.startMs));
    const last = Math.max(...done.map((request) => request.endMs));
    return last > first ? [(tokens / (last - first)) * 1000] : [];
  });
}

type Finished = RequestRow & { startMs: number; endMs: number; firstTokenMs: number };

export function isFinished(request: RequestRow): request is Finished {
  return (
    request.error === null &&
    request.startMs !== null &&
    request.endMs !== null &&
    request.firstTokenMs !== null
  );
}

/** Queued to last token of every finished request of a group, ms. */
export function requestLatencyMs(point: Point, group: string): Clusters {
  return repetitionsOf(point).map(({ requests }) =>
    requests.flatMap((r) => (r.group === group && isFinished(r) ? [r.endMs - r.queuedMs] : [])),
  );
}

/** Names of the request groups, in the order they first appear. */
export function groupsOf(point: Point): string[] {
  return [...new Set(point.repetitions.flatMap(({ requests }) => requests.map((request) => request.group)))];
}
