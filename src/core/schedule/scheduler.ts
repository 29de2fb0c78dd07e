/**
 * The scheduler's contract: which requests compute how many tokens in the next step.
 *
 * One scheduler, two clocks: the simulator and the engine drive the same object. Each turn is
 *
 *   add(request)…  →  schedule() → plan  →  an executor spends time on it  →  complete(plan) → outcome
 *
 * A plan is a difference: it names who joined, who was preempted, who computes a chunk of prompt and whose block table
 * grew. Sequences that decode are in it as sums only (`work`), because each of them does the same as in the step before.
 * Plans and outcomes are overwritten by the next turn.
 */
import type { StepWork } from './work.ts';

export interface StepPlan {
  /** Counts from 0. */
  step: number;
  readonly work: StepWork;
  /** Requests that entered the batch in this step, in order of admission. */
  readonly joined: number[];
  /** Requests that lost their blocks, in order. */
  readonly preempted: number[];
  /** Computed tokens that each of them lost, entry for entry; 0 when they were swapped out. */
  readonly lostTokens: number[];
  /**
   * Requests of `work.prefillTokens`, entry for entry. Those that joined stand last, in order, so that what the cache
   * had of a joined request is its chunk's `prefillContextTokens`.
   */
  readonly chunks: number[];
  /** Requests whose block table grew. */
  readonly grown: number[];
  /** Sequences that decode but stand still in this step, because the budget or the blocks ended before them. */
  readonly heldBack: number[];
  /** Time that the step spends besides computing, such as a swap over the host link. */
  extraMs: number;
}

export interface StepOutcome {
  /** Requests that computed the last chunk of their prompt: they have a new token and decode from now on. */
  readonly prefilled: number[];
  /** Requests that ended, in batch order; their blocks are free. */
  readonly finished: number[];
}

export interface Scheduler {
  readonly numWaiting: number;
  readonly numRunning: number;
  /** Tokens in the cache of all running requests, text that they share counted for each. */
  readonly numRunningTokens: number;
  /** Where batches are collected: when one starts although it is not full. Null or absent: nobody waits for company. */
  readonly wakeMs?: number | null;
  /**
   * Queues a request.
   * @param nowMs when it arrives, which only those need that collect batches
   */
  add(request: number, nowMs?: number): void;
  /**
   * The next step, or null when nothing can run: no request, none that fits, or (see `wakeMs`) none that starts yet.
   * @param nowMs left out: nobody waits for company any longer
   */
  schedule(nowMs?: number): StepPlan | null;
  /**
   * Accounts for a step that was executed.
   * @param ended requests that met their end before their limit, as only an engine can know
   */
  complete(plan: StepPlan, ended?: readonly number[]): StepOutcome;
}
