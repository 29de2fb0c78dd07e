/**
 * One task at a time on the GPU of this worker: a second one is refused, and another tab is waited for. Shared by the
 * services of the worker, so that cancelling reaches whichever task runs.
 */
import type { Outcome } from './api.ts';
import { outcomeOf } from './outcome.ts';

/** A task that is asked for while another runs. */
export class BusyError extends Error {
  readonly code = 'busy';
  constructor() {
    super('Something is being measured already: wait for it or cancel it.');
    this.name = 'BusyError';
  }
}

/** What a task tells of itself on its way; `partial`: what has come of it so far. */
export interface TurnProgress {
  readonly fraction: number | null;
  readonly message: string;
  readonly partial?: unknown;
}

export interface TurnPlatform {
  readonly now: () => number;
  /** Runs the task while nobody else on this machine's browser measures; `onWaiting` where somebody does. */
  readonly alone: <T>(task: () => Promise<T>, onWaiting: () => void, signal: AbortSignal) => Promise<T>;
}

const PROGRESS_EVERY_MS = 100;
const WAITING = { fraction: null, message: 'Another tab is measuring; waiting for it to finish' };

export class Turn {
  readonly #platform: TurnPlatform;
  #running: AbortController | null = null;

  constructor(platform: TurnPlatform) {
    this.#platform = platform;
  }

  /** Takes the machine for one task; its progress goes out at most ten times a second. */
  take<T, Progress extends TurnProgress>(
    onProgress: ((progress: Progress | typeof WAITING) => void) | null,
    task: (signal: AbortSignal, report: (progress: Progress) => void) => Promise<T>,
  ): Promise<Outcome<T>> {
    return outcomeOf(async () => {
      if (this.#running) throw new BusyError();
      const running = (this.#running = new AbortController());
      const { alone, now } = this.#platform;
      const report = throttled<Progress | typeof WAITING>(onProgress ?? (() => undefined), now);
      try {
        return await alone(
          () => task(running.signal, report),
          () => report(WAITING),
          running.signal,
        );
      } finally {
        this.#running = null;
      }
    });
  }

  cancel(): void {
    this.#running?.abort();
  }
}

/** Passes on what carries a partial result, the rest at most ten times a second. */
function throttled<Progress extends TurnProgress>(
  onProgress: (progress: Progress) => void,
  now: () => number,
): (progress: Progress) => void {
  let lastMs = -Infinity;
  return (progress) => {
    const atMs = now();
    if (progress.partial === undefined && atMs - lastMs < PROGRESS_EVERY_MS) return;
    lastMs = atMs;
    onProgress(progress);
  };
}
