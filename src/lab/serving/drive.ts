/**
 * Puts a load on an engine and writes down what comes of it.
 *
 *   send what is due → one step → tokens, ends, those who waited for an end → …
 *
 * An open loop counts from when a request was due, not from when it could be sent (a step is not interrupted to send
 * one). In a closed loop the next request is due a pause after the one before it ended. Neither slows the other down.
 */
import type { ServeRecord } from '../../core/run/serve.ts';
import type { RequestTable } from '../../core/schedule/requests.ts';
import type { PromptWriter } from './prompts.ts';
import { ServeRecorder } from './record.ts';
import type { ServedEngine } from './served-engine.ts';

export interface DriveOptions {
  readonly requests: RequestTable;
  readonly prompts: PromptWriter;
  readonly seed: number;
  readonly signal: AbortSignal;
  /** Requests that have ended, of all. */
  readonly onProgress?: (share: number) => void;
}

/** An engine that has requests and can't go on. */
export class EngineStalledError extends Error {
  readonly code = 'engine-stalled';
  constructor(unfinished: number) {
    super(
      `${unfinished} requests wait and the engine can’t start any; give it more blocks or shorter requests.`,
    );
    this.name = 'EngineStalledError';
  }
}

interface Due {
  readonly row: number;
  readonly dueMs: number;
}

/** @throws EngineStalledError; the signal's reason when aborted */
export async function drive(engine: ServedEngine, options: DriveOptions): Promise<ServeRecord> {
  const { requests, prompts, seed, signal, onProgress } = options;
  const startMs = engine.now();
  const recorder = new ServeRecorder(requests, startMs);
  const followers = followersOf(requests);
  const line = new DueLine(firstOnes(requests, startMs));
  let [unfinished, done] = [0, 0];
  while (done < requests.size) {
    signal.throwIfAborted();
    for (let due = line.take(engine.now()); due; due = line.take(engine.now())) {
      recorder.sent(due.row, due.dueMs, engine.now());
      engine.submit(due.row, prompts.prompt(due.row), requests.outputTokens[due.row] ?? 1);
      unfinished++;
    }
    if (unfinished === 0) {
      await engine.idleUntil(line.nextMs, signal);
      continue;
    }
    const step = await engine.step();
    if (step === null) throw new EngineStalledError(unfinished);
    recorder.step(step);
    for (const { row, token, last } of step.tokens) {
      prompts.generated(row, token);
      if (!last) continue;
      unfinished--;
      done++;
      onProgress?.(done / requests.size);
      for (const follower of followers.get(row) ?? []) {
        line.add({ row: follower, dueMs: step.endMs + (requests.arrivalMs[follower] ?? 0) });
      }
    }
  }
  return recorder.record(seed);
}

export function firstOnes({ size, after, arrivalMs }: RequestTable, startMs: number): Due[] {
  const first: Due[] = [];
  for (let row = 0; row < size; row++) {
    if ((after[row] ?? -1) < 0) first.push({ row, dueMs: startMs + (arrivalMs[row] ?? 0) });
  }
  return first;
}

export function followersOf({ size, after }: RequestTable): Map<number, number[]> {
  const followers = new Map<number, number[]>();
  for (let row = 0; row < size; row++) {
    const before = after[row] ?? -1;
    if (before >= 0) followers.set(before, [...(followers.get(before) ?? []), row]);
  }
  return followers;
}

/** Requests by when they are due; ties in the order of their rows. */
export class DueLine {
  #line: Due[];

  constructor(line: Due[]) {
    this.#line = line.sort(earlier);
  }

  /** When the next one is due; infinite without one. */
  get nextMs(): number {
    return this.#line[0]?.dueMs ?? Infinity;
  }

  add(due: Due): void {
    this.#line.push(due);
    this.#line.sort(earlier);
  }

  take(nowMs: number): Due | undefined {
    return this.nextMs <= nowMs ? this.#line.shift() : undefined;
  }
}

function earlier(a: Due, b: Due): number {
  return a.dueMs - b.dueMs || a.row - b.row;
}
