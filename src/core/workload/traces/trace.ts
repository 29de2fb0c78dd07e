/**
 * Recorded requests, whatever file they came from.
 *
 * A reader takes one line at a time, so that a file of any size streams through it; a bad line stops the reading with
 * its number and the reason, because a trace with holes is another trace.
 */

import type { RateWindow } from '../rate-series.ts';

export interface TraceRequest {
  /** From the first request. */
  readonly arrivalSeconds: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** Ids of the prompt's leading blocks, each one standing for all text up to its end; empty where not recorded. */
  readonly blockIds: readonly number[];
}

export interface Trace {
  readonly requests: readonly TraceRequest[];
  /** Tokens that one block id stands for; null where the trace has none. */
  readonly blockTokens: number | null;
  /** A file of rates instead of requests: `requests` is empty and the scenario draws them along these. */
  readonly rates?: readonly RateWindow[];
  /** What was left out or taken otherwise than it stands in the file, a sentence each. */
  readonly notes?: readonly string[];
}

/** A line that is no request of its format. */
export class TraceError extends Error {
  readonly code = 'trace';
  readonly line: number;
  constructor(line: number, reason: string) {
    super(`Line ${line} of the trace: ${reason}`);
    this.name = 'TraceError';
    this.line = line;
  }
}

/** Bounds that keep a hostile file from filling the memory. */
export const TRACE_BOUNDS = {
  maxLineCharacters: 64_000_000,
  maxRequests: 20_000_000,
  maxTokens: 100_000_000,
};

/** Ids of a request that has none: one list for all of them. */
export const NO_BLOCK_IDS: readonly number[] = Object.freeze([]);

/** Seconds to the microsecond. */
function shown(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e6;
}

/** Checks what every format shares. @throws TraceError */
export function checkedRequest(request: TraceRequest, previousSeconds: number, line: number): TraceRequest {
  const { arrivalSeconds, promptTokens, outputTokens } = request;
  const whole = (name: string, value: number, min: number): void => {
    if (!Number.isInteger(value) || value < min || value > TRACE_BOUNDS.maxTokens) {
      throw new TraceError(
        line,
        `${name} is ${value}; a whole number from ${min} to ${TRACE_BOUNDS.maxTokens} is needed.`,
      );
    }
  };
  whole('the prompt length', promptTokens, 1);
  whole('the output length', outputTokens, 0);
  if (!Number.isFinite(arrivalSeconds)) throw new TraceError(line, 'the arrival time is no number.');
  if (arrivalSeconds < previousSeconds) {
    throw new TraceError(
      line,
      `it arrives ${shown(previousSeconds - arrivalSeconds)} s before the line above it; sort the trace by time.`,
    );
  }
  return request;
}
