/** Metrics of single requests and of sets of them. Definitions: definitions.ts. */
import type { Repetition, RequestRow } from '../run/schema.ts';

export interface FinishedRequest extends RequestRow {
  readonly startMs: number;
  readonly firstTokenMs: number;
  readonly endMs: number;
}

/** A request that ran to its end without an error. */
export function isFinished(request: RequestRow): request is FinishedRequest {
  const { startMs, firstTokenMs, endMs, error } = request;
  return error === null && startMs !== null && firstTokenMs !== null && endMs !== null;
}

export function queueMs({ startMs, queuedMs }: FinishedRequest): number {
  return startMs - queuedMs;
}

export function ttftMs({ firstTokenMs, queuedMs }: FinishedRequest): number {
  return firstTokenMs - queuedMs;
}

export function e2eMs({ endMs, queuedMs }: FinishedRequest): number {
  return endMs - queuedMs;
}

/** (latency − ttft) / (outputs − 1), in the units of the times; 0 for a single token. */
export function timePerOutputToken(latency: number, ttft: number, outputTokens: number): number {
  return outputTokens > 1 ? (latency - ttft) / (outputTokens - 1) : 0;
}

export function tpotMs(request: FinishedRequest): number {
  return timePerOutputToken(e2eMs(request), ttftMs(request), request.outputTokens);
}

/**
 * Gaps between the output tokens of each finished request: a running sequence gets a token from every decode step that
 * ends between its first token and its end. A request whose count of steps does not match its tokens is left out.
 */
export function interTokenGapsMs({ requests, steps }: Repetition): number[] {
  const ends = steps
    .filter(({ phase }) => phase === 'decode')
    .map(({ startMs, wallMs }) => startMs + wallMs)
    .sort((a, b) => a - b);
  return requests.filter(isFinished).flatMap(({ firstTokenMs, endMs, outputTokens }) => {
    const tolerance = 1e-6 * Math.max(1, endMs);
    const times = ends.filter((end) => end > firstTokenMs + tolerance && end <= endMs + tolerance);
    if (times.length !== outputTokens - 1) return [];
    return times.map((time, i) => time - (times[i - 1] ?? firstTokenMs));
  });
}

/** Milliseconds from the first hand-in to the last end; null when nothing finished. */
export function spanMs(requests: readonly RequestRow[]): number | null {
  const finished = requests.filter(isFinished);
  if (finished.length === 0) return null;
  const last = finished.reduce((latest, { endMs }) => Math.max(latest, endMs), -Infinity);
  const first = finished.reduce((earliest, { queuedMs }) => Math.min(earliest, queuedMs), Infinity);
  return last > first ? last - first : null;
}

export interface Objectives {
  readonly ttftMs: number | null;
  readonly tpotMs: number | null;
}

/** Whether a request meets every objective that is set. Objectives are met at equality. */
export function meets(objectives: Objectives, ttft: number, tpot: number): boolean {
  return ttft <= (objectives.ttftMs ?? Infinity) && tpot <= (objectives.tpotMs ?? Infinity);
}

export interface Goodput {
  /** Requests that meet every objective. */
  readonly good: number;
  /** Of all requests, failed ones included. */
  readonly attainment: number;
  readonly perSecond: number;
}

/** Goodput of one repetition; null when no objective is set or nothing finished. */
export function goodput(requests: readonly RequestRow[], objectives: Objectives): Goodput | null {
  const span = spanMs(requests);
  if (span === null || (objectives.ttftMs === null && objectives.tpotMs === null)) return null;
  const good = requests
    .filter(isFinished)
    .filter((request) => meets(objectives, ttftMs(request), tpotMs(request)));
  return {
    good: good.length,
    attainment: good.length / requests.length,
    perSecond: (good.length * 1000) / span,
  };
}

/** Requests in the system by Little's law, L = λ·W. */
export function littleLaw(requestsPerSecond: number, meanLatencySeconds: number): number {
  return requestsPerSecond * meanLatencySeconds;
}
