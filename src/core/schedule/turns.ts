/**
 * Plans that are under way: one, or two in turn where a step is scheduled while the one before it is executed (vLLM's
 * async scheduling, its default since 0.14).
 *
 * A step's tokens count as computed when its plan advances: at its completion, or ahead of time as soon as it is planned.
 * What can't be known ahead is free blocks: a request whose last token is planned keeps its blocks and its place in the
 * batch (`ending`) until its step is completed.
 *
 * Boundary: plans, outcomes and who ends. What is in a plan is the scheduler's.
 */
import { createPlan, empty, resetPlan } from './plan.ts';
import type { StepOutcome, StepPlan } from './scheduler.ts';

export interface Turn {
  readonly plan: StepPlan;
  readonly outcome: StepOutcome & { readonly prefilled: number[]; readonly finished: number[] };
}

export class Turns {
  readonly ahead: boolean;
  /** Running rows whose last token is computed by a step that is not completed yet. */
  readonly ending = new Set<number>();
  readonly #turns: readonly Turn[];
  #steps = 0;

  /** @param maxPrefills most chunks of one step */
  constructor(ahead: boolean, maxPrefills: number) {
    this.ahead = ahead;
    this.#turns = Array.from({ length: ahead ? 2 : 1 }, () => ({
      plan: createPlan(maxPrefills),
      outcome: { prefilled: [], finished: [] },
    }));
  }

  /** An empty plan for the step that comes next. */
  next(): Turn {
    const turn = this.#turn(this.#steps);
    resetPlan(turn.plan);
    return turn;
  }

  /** The plan of `next` is a step. */
  count({ plan }: Turn): void {
    plan.step = this.#steps++;
  }

  /** The turn of a plan that was executed. */
  of({ step }: StepPlan): Turn {
    return this.#turn(step);
  }

  /** Begins the outcome of a turn. */
  clear({ outcome }: Turn): void {
    empty(outcome.prefilled);
    empty(outcome.finished);
  }

  #turn(step: number): Turn {
    const turn = this.#turns[step % this.#turns.length];
    if (!turn) throw new RangeError(`There is no step ${step}.`);
    return turn;
  }
}
