/**
 * A walk through a recorded run: which step is shown, which block and request are chosen, whether time runs. No DOM and
 * no clock: whoever draws calls `advance` with the milliseconds that passed.
 */
import type { HistoryReader } from '../sim/recorder-reader.ts';
import type { PoolState } from '../sim/recorder-state.ts';

/** Steps a second. */
export const WALK_SPEEDS = [1, 2, 5, 20, 100, 500] as const;

/** A run plays in about this long unless told otherwise. */
const PLAY_SECONDS = 30;

export function speedFor(numSteps: number): number {
  return WALK_SPEEDS.find((speed) => numSteps / speed <= PLAY_SECONDS) ?? WALK_SPEEDS.at(-1) ?? 1;
}

export class BlockWalk {
  readonly reader: HistoryReader;
  /** −1 is the moment before the first step. */
  step = $state(-1);
  /** Chosen block: the cursor on the canvas. */
  block: number | null = $state(null);
  /** Chosen request, whose blocks stand out. */
  request: number | null = $state(null);
  playing = $state(false);
  speed: number = $state(1);
  #restMs = 0;

  constructor(reader: HistoryReader, step = -1) {
    this.reader = reader;
    this.speed = speedFor(reader.numSteps);
    this.step = this.#within(step);
  }

  get lastStep(): number {
    return this.reader.numSteps - 1;
  }

  /** Events up to the end of the step that is shown. */
  get moment(): number {
    return this.reader.momentOf(this.step);
  }

  /** The pool as the step left it; the same object at every step. */
  get state(): PoolState {
    return this.reader.stateAt(this.moment);
  }

  /** Milliseconds at which the step that is shown ended. */
  get timeMs(): number {
    const { startMs, endMs } = this.reader.history.steps;
    return (this.step < 0 ? startMs[0] : endMs[this.step]) ?? 0;
  }

  /** Goes to a step, the nearest one that there is. */
  go(step: number): void {
    this.step = this.#within(step);
    if (this.step === this.lastStep) this.playing = false;
  }

  /** Goes there and stays. */
  halt(step: number): void {
    this.playing = false;
    this.go(step);
  }

  /** Starts or stops; at the end it starts over. */
  toggle(): void {
    if (!this.playing && this.step === this.lastStep) this.step = -1;
    this.#restMs = 0;
    this.playing = !this.playing && this.reader.numSteps > 0;
  }

  /** Time goes on while playing. */
  advance(elapsedMs: number): void {
    if (!this.playing) return;
    this.#restMs += elapsedMs * this.speed;
    const steps = Math.floor(this.#restMs / 1000);
    if (steps === 0) return;
    this.#restMs -= steps * 1000;
    this.go(this.step + steps);
  }

  /** The next step before or after this one in which the chosen block changed, or null. */
  changeOf(block: number, direction: -1 | 1): number | null {
    return this.reader.changeOf(block, this.step, direction);
  }

  #within(step: number): number {
    return Math.max(-1, Math.min(this.lastStep, Math.round(step)));
  }
}
