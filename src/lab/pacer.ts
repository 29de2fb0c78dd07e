/**
 * Keeps each submit short: a dispatch or submit that runs long freezes the desktop which shares the GPU, trips
 * watchdogs, and cannot be cancelled. Learns how much work the device does in a millisecond, and tells how much may go
 * into one submit.
 */
import type { Operation } from '../engine/eviction/shape.ts';

/** Where a submit is meant to end; 100 ms is what must not be passed. */
const TARGET_MS = 45;
/** Below this the fixed price of a submit hides the rate. */
const TELLING_MS = 4;

export interface Pacer {
  /** Work for one submit. */
  readonly budget: number;
  /** What a submit of `work` took. */
  learn(work: number, tookMs: number): void;
}

/** @param firstPerMs a low guess of the work done in a millisecond */
export function createPacer(firstPerMs: number): Pacer {
  let perMs = firstPerMs;
  return {
    get budget() {
      return perMs * TARGET_MS;
    },
    learn(work, tookMs) {
      if (work <= 0 || tookMs <= 0) return;
      const seen = work / tookMs;
      if (tookMs >= TELLING_MS) perMs = seen < perMs ? seen : (perMs + seen) / 2;
      else if (seen > perMs) perMs = Math.min(2 * perMs, seen);
    },
  };
}

/** One thing to encode, with its work. */
export type PacedOperation = Operation;

/** Operations in order, as submits of at most `budget` work; an operation that is larger stands alone. */
export function intoSubmits(operations: readonly PacedOperation[], budget: number): PacedOperation[][] {
  const submits: PacedOperation[][] = [];
  let current: PacedOperation[] = [];
  let work = 0;
  for (const operation of operations) {
    if (current.length > 0 && work + operation.work > budget) {
      submits.push(current);
      current = [];
      work = 0;
    }
    current.push(operation);
    work += operation.work;
  }
  if (current.length > 0) submits.push(current);
  return submits;
}
