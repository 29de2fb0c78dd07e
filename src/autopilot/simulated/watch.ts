/** Listens to the simulated engine: who waits, who runs and since when, what lately ended. */
import type { StepOutcome, StepPlan } from '../../core/schedule/scheduler.ts';
import type { SimObserver } from '../../sim/types.ts';
import type { RecentWindow } from './window.ts';

export interface WatchEvents {
  /** A step was scheduled: it is priced next. */
  readonly planned: (plan: StepPlan) => void;
  /** A row lost its blocks. */
  readonly left: (row: number) => void;
  readonly stepped: () => void;
}

export class EngineWatch implements SimObserver {
  readonly waiting = new Set<number>();
  lastStepMs = 0;
  finishedRows = 0;
  rejectedRows = 0;
  #arrivalMs = new Map<number, number>();
  #firstMs = new Map<number, number>();
  /** Row → steps before it joined; held-back steps are taken off. */
  #joined = new Map<number, number>();
  #steps = 0;
  #window: RecentWindow;
  #events: WatchEvents;

  constructor(window: RecentWindow, events: WatchEvents) {
    this.#window = window;
    this.#events = events;
  }

  /** Steps in which a running row took part. */
  uses(row: number): number {
    return this.#steps - (this.#joined.get(row) ?? this.#steps);
  }

  arrived(request: number, nowMs: number): void {
    this.#arrivalMs.set(request, nowMs);
    this.waiting.add(request);
  }

  rejected(request: number): void {
    this.waiting.delete(request);
    this.rejectedRows++;
  }

  started(request: number): void {
    this.waiting.delete(request);
    this.#joined.set(request, this.#steps);
  }

  preempted(request: number): void {
    this.waiting.add(request);
    this.#joined.delete(request);
    this.#events.left(request);
  }

  prefilled(request: number, nowMs: number): void {
    if (!this.#firstMs.has(request)) this.#firstMs.set(request, nowMs);
  }

  finished(request: number, nowMs: number): void {
    const arrivalMs = this.#arrivalMs.get(request) ?? nowMs;
    this.#window.ended(nowMs, nowMs - arrivalMs, (this.#firstMs.get(request) ?? nowMs) - arrivalMs);
    this.#arrivalMs.delete(request);
    this.#firstMs.delete(request);
    this.#joined.delete(request);
    this.finishedRows++;
    this.#events.left(request);
  }

  began(_replica: number, _startMs: number, plan: StepPlan): void {
    this.#events.planned(plan);
  }

  step(_replica: number, _startMs: number, endMs: number, plan: StepPlan, _outcome: StepOutcome): void {
    this.#steps++;
    this.lastStepMs = endMs;
    for (const row of plan.heldBack) this.#joined.set(row, (this.#joined.get(row) ?? 0) + 1);
    this.#window.made(endMs, plan.work.sampledSequences);
    this.#events.stepped();
  }
}
