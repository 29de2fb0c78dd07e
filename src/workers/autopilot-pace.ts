/**
 * A run that is watched: it lets messages in, goes at the pace that a person can follow, and waits before each plan where
 * that was asked. Nothing of what happens in it changes: same scenario, same run.
 */
import type { AutopilotPace } from './autopilot-api.ts';

export interface PaceOptions {
  readonly pace: AutopilotPace;
  /** True once nobody wants to wait any more. */
  readonly isOver: () => boolean;
  /** Milliseconds on a clock that only goes forwards. */
  readonly now: () => number;
  /** Lets messages in, after `ms` at the earliest. */
  readonly sleep: (ms: number) => Promise<void>;
}

/** Longest sleep at once: a stop is heard after it. */
const NAP_MS = 50;
/** Without a pace: how long the worker may go on before it lets messages in. */
const BREATH_MS = 30;

export class Pacer {
  readonly #options: PaceOptions;
  #startMs: number;
  #breathedMs: number;
  /** Where the run's own clock is. */
  #atMs = 0;
  /** Plans that were let go. */
  readonly #asked = new Set<string>();

  constructor(options: PaceOptions) {
    this.#options = options;
    this.#startMs = options.now();
    this.#breathedMs = this.#startMs;
  }

  /** The run's clock stands at `atMs`. */
  looked(atMs: number): void {
    // Another side of the run begins again at 0.
    if (atMs < this.#atMs) this.#startMs = this.#options.now();
    this.#atMs = atMs;
  }

  /** Between two looks. */
  async pause(): Promise<void> {
    const { pace, isOver, now, sleep } = this.#options;
    const dueMs = pace.speed === null ? -Infinity : this.#startMs + this.#atMs / pace.speed;
    while (!isOver() && now() < dueMs) await sleep(Math.min(NAP_MS, dueMs - now()));
    if (now() < this.#breathedMs + BREATH_MS) return;
    await sleep(0);
    this.#breathedMs = now();
  }

  /**
   * Before a step of a plan: the first one waits where that was asked; the time in which it waits is no time of the run.
   * @param wait resolves when the plan may go on
   */
  async before(planId: string, wait: () => Promise<void>): Promise<void> {
    const { pace, isOver, now } = this.#options;
    if (!pace.hold || isOver() || this.#asked.has(planId)) return;
    this.#asked.add(planId);
    const fromMs = now();
    await wait();
    this.#startMs += now() - fromMs;
  }
}
