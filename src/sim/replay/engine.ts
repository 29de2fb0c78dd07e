/**
 * One vLLM engine process with its two hands: the one that schedules and the GPU.
 *
 *   take requests that came meanwhile → schedule → launch → wait for the oldest launched step → account for it
 *
 * With async scheduling two steps are under way: while the GPU computes one, the next is scheduled and launched behind
 * it, and only then does the process wait. So a request that comes while the process waits is taken, that is queued,
 * when the step ends, and its first chunk runs in the step after the one that is under way already.
 * (vllm/v1/engine/core.py, step_with_batch_queue)
 *
 * Boundary: one engine, requests that come at fixed times. The event loop of src/sim is for everything else.
 */
import type { BlockManager } from '../../core/kv/block-manager.ts';
import type { RequestTable } from '../../core/schedule/requests.ts';
import type { Scheduler, StepPlan } from '../../core/schedule/scheduler.ts';
import type { CostModel } from '../cost/model.ts';
import { StalledError } from '../replica.ts';

export interface EngineParts {
  readonly requests: RequestTable;
  readonly scheduler: Scheduler;
  readonly manager: BlockManager;
  readonly cost: CostModel;
  /** Steps that may be under way: 2 with async scheduling, else 1. */
  readonly depth: 1 | 2;
}

/** What happened, one entry a request, milliseconds. */
export interface EngineTimes {
  readonly queuedMs: Float64Array;
  readonly firstTokenMs: Float64Array;
  readonly endMs: Float64Array;
}

/** The state after each step, one entry a step. */
export interface EngineStates {
  readonly timeMs: number[];
  readonly running: number[];
  readonly waiting: number[];
  readonly usedBlocks: number[];
}

export interface EngineRun {
  readonly times: EngineTimes;
  readonly states: EngineStates;
  readonly steps: number;
  readonly preemptions: number;
}

interface Launched {
  readonly plan: StepPlan;
  readonly endMs: number;
}

/** @throws StalledError when requests wait that can never start */
export function runEngine(parts: EngineParts): EngineRun {
  const engine = new Engine(parts);
  while (engine.turn());
  return engine;
}

class Engine implements EngineRun {
  readonly times: EngineTimes;
  readonly states: EngineStates = { timeMs: [], running: [], waiting: [], usedBlocks: [] };
  steps = 0;
  preemptions = 0;
  #parts: EngineParts;
  #underWay: Launched[] = [];
  #nowMs = 0;
  #gpuFreeMs = 0;
  /** Requests from here on have not come yet. */
  #next = 0;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    const column = (): Float64Array => new Float64Array(parts.requests.size).fill(NaN);
    this.times = { queuedMs: column(), firstTokenMs: column(), endMs: column() };
  }

  /** One turn of the process; false when all is done. */
  turn(): boolean {
    this.#take();
    if (this.#launch() && this.#underWay.length < this.#parts.depth) return true;
    const oldest = this.#underWay.shift();
    if (oldest) this.#account(oldest);
    else return this.#sleep();
    return true;
  }

  #take(): void {
    const { requests, scheduler } = this.#parts;
    while (this.#next < requests.size && (requests.arrivalMs[this.#next] ?? 0) <= this.#nowMs) {
      this.times.queuedMs[this.#next] = this.#nowMs;
      scheduler.add(this.#next++);
    }
  }

  #launch(): boolean {
    const { scheduler, cost } = this.#parts;
    const plan = scheduler.schedule();
    if (!plan) return false;
    this.preemptions += plan.preempted.length;
    // The GPU takes it up when it is done with the step before.
    const startMs = Math.max(this.#gpuFreeMs, this.#nowMs);
    this.#gpuFreeMs = startMs + cost.stepMs(plan.work) + plan.extraMs;
    this.#underWay.push({ plan, endMs: this.#gpuFreeMs });
    return true;
  }

  #account({ plan, endMs }: Launched): void {
    const { scheduler, manager } = this.#parts;
    this.#nowMs = Math.max(this.#nowMs, endMs);
    this.steps++;
    const { prefilled, finished } = scheduler.complete(plan);
    const { firstTokenMs } = this.times;
    for (const row of prefilled) if (Number.isNaN(firstTokenMs[row])) firstTokenMs[row] = this.#nowMs;
    for (const row of finished) this.times.endMs[row] = this.#nowMs;
    this.states.timeMs.push(this.#nowMs);
    this.states.running.push(scheduler.numRunning);
    this.states.waiting.push(scheduler.numWaiting);
    this.states.usedBlocks.push(manager.numActiveBlocks);
  }

  /** Until the next request; false when none will come. */
  #sleep(): boolean {
    const { requests, scheduler } = this.#parts;
    if (this.#next < requests.size) {
      this.#nowMs = Math.max(this.#nowMs, requests.arrivalMs[this.#next] ?? 0);
      return true;
    }
    if (scheduler.numWaiting > 0) throw new StalledError(this.#nowMs, scheduler.numWaiting);
    return false;
  }
}
