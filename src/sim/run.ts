/**
 * A scenario in, a run out: every point of the sweep, each as often as the scenario repeats it.
 *
 * The work is a generator that pauses every few thousand events: whoever drives it shows progress between two pauses and
 * can stop it there. A stopped run keeps what was finished and says that it is not complete.
 *
 * Boundary: no clock and no files. Traces, profiles and checks are given; so are the run's id and date.
 */
import { createRandom } from '../core/random.ts';
import type { SimPoint, SimRepetition, SimRun } from '../core/run/simulation.ts';
import { RUN_VERSION } from '../core/run/version.ts';
import type { SimScenario } from '../core/scenario/simulate/schema.ts';
import { expandSweep, type SweepPoint } from '../core/scenario/sweep.ts';
import { startRepetition, type Repetition, type SimInputs } from './repetition.ts';
import { keepLimits, type KeepLimits } from './run-limits.ts';
import type { SimObserver } from './types.ts';

/** What a run is told about itself: this file knows no clock. */
export interface RunStamp {
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly appVersion: string;
  readonly command: string | null;
}

export interface SimProgress {
  /** Of all points and repetitions, 0…1. */
  readonly fraction: number;
  readonly message: string;
  /** What was finished so far, and with `unfinished` also what the repetition that is running has so far. */
  readonly snapshot: (unfinished: boolean) => SimRun;
}

export interface RunOptions extends SimInputs {
  readonly stamp?: Partial<RunStamp>;
  /** Who listens to a repetition beside the metrics, such as a recorder of its blocks. */
  readonly listen?: (point: number, repetition: number) => SimObserver | undefined;
}

export const UNSTAMPED: RunStamp = { id: 'simulation', createdAt: '', appVersion: '', command: null };

/** Events between two pauses: about a millisecond of work. */
const EVENTS_A_PAUSE = 512;

type Told = 'stop' | undefined;

/** The seed of a repetition: the scenario's own for the first, so that `repeats` adds runs and changes none. */
export function seedOf(seed: number, repetition: number): number {
  return repetition === 0 ? seed : createRandom(seed).fork(`repetition ${repetition}`).nextU32();
}

/** A run document of what was computed. */
export function runOf(
  scenario: SimScenario,
  points: readonly SimPoint[],
  stamp: RunStamp,
  complete: boolean,
  notes: readonly string[],
): SimRun {
  return {
    version: RUN_VERSION,
    kind: 'simulate',
    ...stamp,
    title: scenario.title,
    origin: 'simulated',
    scenario,
    points: [...points],
    notes: notes.slice(0, 50),
    complete,
  };
}

/** Everything about one point while it is being computed. */
class PointWork {
  readonly #point: SweepPoint<SimScenario>;
  readonly #limits: KeepLimits;
  readonly #finished: SimRepetition[] = [];
  #costModel = '';
  #reason: string | null = null;

  constructor(point: SweepPoint<SimScenario>, limits: KeepLimits) {
    this.#point = point;
    this.#limits = limits;
  }

  get failed(): boolean {
    return this.#reason !== null;
  }

  /** Starts a repetition; null where the point is impossible, which is then on record. */
  start(index: number, options: RunOptions): Repetition | null {
    const { scenario } = this.#point;
    const seeded = { ...scenario, seed: seedOf(scenario.seed, index) };
    const listener = options.listen?.(this.#point.index, index);
    return this.#guarded(() => startRepetition(seeded, options, this.#limits, listener));
  }

  /** A bounded part of a repetition; false when it is over. */
  advance(repetition: Repetition): boolean {
    this.#costModel = repetition.costModel;
    return this.#guarded(() => repetition.advance(EVENTS_A_PAUSE)) ?? false;
  }

  finish(repetition: Repetition): void {
    if (!this.failed) this.#finished.push(repetition.result());
  }

  /** The point as far as it is, or null where nothing of it is done. */
  result(unfinished: Repetition | null): SimPoint | null {
    const now = unfinished === null || this.failed ? [] : [unfinished.result()];
    const repetitions = [...this.#finished, ...now];
    if (repetitions.length === 0 && !this.failed) return null;
    return {
      settings: { ...this.#point.settings },
      status: this.failed ? 'failed' : 'done',
      reason: this.#reason,
      costModel: this.#costModel.slice(0, 400),
      repetitions,
    };
  }

  /** What a scenario cannot do is a failed point with the sentence that says why. */
  #guarded<T>(work: () => T): T | null {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#reason = error.message.slice(0, 400);
      return null;
    }
  }
}

/**
 * The run of a scenario as a task: `next()` until it is done, `next('stop')` to end it where it stands.
 * @param scenario parsed and valid
 */
export function* simulationTask(
  scenario: SimScenario,
  options: RunOptions = {},
): Generator<SimProgress, SimRun, Told> {
  const stamp = { ...UNSTAMPED, ...options.stamp };
  const limits = keepLimits(scenario);
  const sweep = expandSweep(scenario);
  const points: SimPoint[] = [];
  const notes: string[] = [];
  const total = sweep.length * scenario.repeats;
  for (const point of sweep) {
    const work = new PointWork(point, limits);
    for (let index = 0; index < scenario.repeats && !work.failed; index++) {
      const before = point.index * scenario.repeats + index;
      const repetition = work.start(index, options);
      if (repetition === null) break;
      while (work.advance(repetition)) {
        const told = yield {
          fraction: (before + repetition.fraction) / total,
          message: messageOf(point, index, scenario.repeats, repetition),
          snapshot: (unfinished) => {
            const current = work.result(unfinished ? repetition : null);
            return runOf(scenario, current ? [...points, current] : points, stamp, false, notes);
          },
        };
        if (told !== 'stop') continue;
        const kept = work.result(null);
        return runOf(scenario, kept ? [...points, kept] : points, stamp, false, notes);
      }
      work.finish(repetition);
      notes.push(...repetition.notes().map((note) => noteOf(point, sweep.length, note)));
    }
    const result = work.result(null);
    if (result) points.push(result);
  }
  return runOf(scenario, points, stamp, true, [...new Set(notes)]);
}

function messageOf(
  { label }: SweepPoint<SimScenario>,
  index: number,
  repeats: number,
  run: Repetition,
): string {
  const seed = repeats > 1 ? `, seed ${index + 1} of ${repeats}` : '';
  return `${label}${seed}: ${run.numDone} of ${run.numRequests} requests`;
}

function noteOf({ label }: SweepPoint<SimScenario>, points: number, note: string): string {
  return (points === 1 ? note : `${label}: ${note}`).slice(0, 600);
}

export interface SimRunOptions extends RunOptions {
  readonly onProgress?: (progress: SimProgress) => void;
  /** Asked every few thousand events; true ends the run with what it has. */
  readonly shouldStop?: () => boolean;
}

/** Runs a scenario to its end, or until it is told to stop. */
export function runSimulation(scenario: SimScenario, options: SimRunOptions = {}): SimRun {
  const task = simulationTask(scenario, options);
  let turn = task.next();
  while (!turn.done) {
    options.onProgress?.(turn.value);
    turn = task.next(options.shouldStop?.() === true ? 'stop' : undefined);
  }
  return turn.value;
}

/**
 * The same, giving way to whoever else wants to run, such as the message that cancels it.
 * @param pause called between two parts; what it returns is waited for
 */
export async function runSimulationAsync(
  scenario: SimScenario,
  options: SimRunOptions & { readonly pause: () => Promise<void> | undefined },
): Promise<SimRun> {
  const task = simulationTask(scenario, options);
  let turn = task.next();
  while (!turn.done) {
    options.onProgress?.(turn.value);
    const pause = options.pause();
    if (pause) await pause;
    turn = task.next(options.shouldStop?.() === true ? 'stop' : undefined);
  }
  return turn.value;
}
