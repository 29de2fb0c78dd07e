/**
 * What the serving lab drives: the real engine on a GPU, or the simulator's on a clock that is only counted. Both are
 * given the same requests, row by row of one table, and tell the same of each step; so one driver (drive.ts) and one set
 * of metrics serve measurement and prediction.
 */

export interface ServedToken {
  /** Row of the request table. */
  readonly row: number;
  /** −1 where nobody computed it: a simulated token. */
  readonly token: number;
  readonly last: boolean;
}

/** One step that is over. Milliseconds on the engine's clock. */
export interface ServedStep {
  readonly startMs: number;
  readonly endMs: number;
  readonly gpuMs: number | null;
  readonly decodeSequences: number;
  readonly decodeContextTokens: number;
  readonly prefillTokens: number;
  readonly prefillChunks: number;
  readonly prefillPairs: number;
  readonly joined: readonly number[];
  /** Prompt tokens that the cache had of each of them, entry for entry. */
  readonly joinedCachedTokens: readonly number[];
  readonly preempted: readonly number[];
  readonly lostTokens: readonly number[];
  readonly tokens: readonly ServedToken[];
  readonly numRunning: number;
  readonly numWaiting: number;
  readonly numActiveBlocks: number;
  readonly numCachedBlocks: number;
  readonly numWastedSlots: number;
}

export interface ServedEngine {
  /** Milliseconds on a clock that only goes forwards. */
  now(): number;
  /** Queues a request. @throws Error in one sentence where it can never be served */
  submit(row: number, promptIds: readonly number[], outputTokens: number): void;
  /** Runs until one more step is over; null when there is nothing to do. */
  step(): Promise<ServedStep | null>;
  /** Lets the time pass while nothing runs; an abort ends it early. */
  idleUntil(ms: number, signal: AbortSignal): Promise<void>;
}
