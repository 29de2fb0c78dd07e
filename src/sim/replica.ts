/**
 * One engine with a clock: its scheduler decides, the cost model says how long that takes, listeners are told.
 *
 * Boundary: what happens inside one replica. Which replica a request goes to, and what happens between replicas, is the
 * loop's.
 */
import type { BlockManager } from '../core/kv/block-manager.ts';
import type { RequestTable } from '../core/schedule/requests.ts';
import type { Scheduler, StepOutcome, StepPlan } from '../core/schedule/scheduler.ts';
import { stepEndMs, type SimConnector } from './connector.ts';
import type { CostModel } from './cost/model.ts';
import type { ReplicaState, SimObserver } from './types.ts';

export interface ReplicaParts {
  readonly requests: RequestTable;
  readonly scheduler: Scheduler;
  readonly manager: BlockManager;
  readonly cost: CostModel;
  /** KV that moves to and from the replica. */
  readonly connector?: SimConnector | undefined;
  /** Layers of the model: loads overlap with computing layer by layer. */
  readonly layers?: number;
}

/** A replica whose requests wait although nothing runs: a scheduler that can't go on. */
export class StalledError extends Error {
  readonly code = 'stalled';
  constructor(nowMs: number, waiting: number) {
    super(
      `At ${Math.round(nowMs)} ms ${waiting} requests wait and none of them can start; give the replica more KV blocks.`,
    );
    this.name = 'StalledError';
  }
}

export class Replica implements ReplicaState {
  readonly index: number;
  readonly scheduler: Scheduler;
  readonly manager: BlockManager;
  #requests: RequestTable;
  #cost: CostModel;
  #observer: SimObserver;
  #connector: SimConnector | undefined;
  #layers: number;
  #numWaitingTokens = 0;
  #plan: StepPlan | null = null;
  #startMs = 0;

  constructor(index: number, parts: ReplicaParts, observer: SimObserver) {
    const { requests, scheduler, manager, cost, connector, layers } = parts;
    this.#connector = connector;
    this.#layers = layers ?? 1;
    this.index = index;
    this.scheduler = scheduler;
    this.manager = manager;
    this.#requests = requests;
    this.#cost = cost;
    this.#observer = observer;
  }

  /** A step is being executed. */
  get busy(): boolean {
    return this.#plan !== null;
  }

  get numRunning(): number {
    return this.scheduler.numRunning;
  }

  get numWaiting(): number {
    return this.scheduler.numWaiting;
  }

  /** Prompt tokens of those that wait. */
  get numWaitingTokens(): number {
    return this.#numWaitingTokens;
  }

  get numBlocks(): number {
    return this.manager.numBlocks;
  }

  get numActiveBlocks(): number {
    return this.manager.numActiveBlocks;
  }

  get numCachedBlocks(): number {
    return this.manager.numIdleCachedBlocks;
  }

  get numFreeBlocks(): number {
    return this.manager.numFreeBlocks;
  }

  get numWastedSlots(): number {
    return this.manager.wastedSlots(this.scheduler.numRunningTokens);
  }

  /** Leading tokens of a request's prompt that the replica has, in its pool or in a tier that it would load from. */
  matchedTokens(request: number, nowMs: number): number {
    const prompt = this.#requests.promptTokens[request] ?? 0;
    const found = this.manager.lookup(request, prompt) * this.manager.blockSize;
    return found + (this.#connector?.peek(request, found, prompt, nowMs) ?? 0);
  }

  /** Whether the pool can ever hold all of a request. */
  canHold(request: number): boolean {
    const tokens = (this.#requests.promptTokens[request] ?? 0) + (this.#requests.outputTokens[request] ?? 0);
    return this.manager.blocksFor(tokens) <= this.numBlocks;
  }

  /** When to begin a step although nothing else happens; null: it waits for nothing. */
  get wakeMs(): number | null {
    return this.scheduler.wakeMs ?? null;
  }

  add(request: number, nowMs: number): void {
    this.#numWaitingTokens += this.#requests.promptTokens[request] ?? 0;
    this.scheduler.add(request, nowMs);
  }

  /**
   * Schedules the next step and begins it.
   * @returns when it ends, or null when there is nothing to do, or nothing before `wakeMs`
   * @throws StalledError when requests wait that can never start
   */
  begin(nowMs: number): number | null {
    this.#connector?.begin(nowMs);
    const plan = this.scheduler.schedule(nowMs);
    if (plan === null) {
      const isPatient = (this.wakeMs ?? nowMs) > nowMs;
      if (this.numWaiting > 0 && this.numRunning === 0 && !isPatient)
        throw new StalledError(nowMs, this.numWaiting);
      return null;
    }
    this.#plan = plan;
    this.#startMs = nowMs;
    this.#tellPlan(plan, nowMs);
    this.#observer.began?.(this.index, nowMs, plan, this);
    const computeMs = this.#cost.stepMs(plan.work);
    if (this.#connector) {
      plan.extraMs = stepEndMs(this.#connector, nowMs, computeMs, this.#layers) - nowMs - computeMs;
    }
    return nowMs + computeMs + plan.extraMs;
  }

  /** Accounts for the step that ends now. */
  end(nowMs: number): StepOutcome {
    const plan = this.#plan;
    if (plan === null) throw new Error(`Replica ${this.index} has no step that could end.`);
    this.#plan = null;
    const outcome = this.scheduler.complete(plan);
    this.#connector?.end(nowMs);
    const observer = this.#observer;
    for (const request of outcome.prefilled) observer.prefilled?.(request, nowMs, this.index);
    for (const request of outcome.finished) observer.finished?.(request, nowMs, this.index);
    observer.step?.(this.index, this.#startMs, nowMs, plan, outcome, this);
    return outcome;
  }

  #tellPlan(plan: StepPlan, nowMs: number): void {
    const { preempted, lostTokens, joined, chunks, work } = plan;
    const observer = this.#observer;
    const { promptTokens } = this.#requests;
    for (let i = 0; i < preempted.length; i++) {
      this.#numWaitingTokens += promptTokens[preempted[i] ?? -1] ?? 0;
      observer.preempted?.(preempted[i] ?? -1, nowMs, this.index, lostTokens[i] ?? 0);
    }
    const first = chunks.length - joined.length;
    for (let i = 0; i < joined.length; i++) {
      this.#numWaitingTokens -= promptTokens[joined[i] ?? -1] ?? 0;
      observer.started?.(joined[i] ?? -1, nowMs, this.index, work.prefillContextTokens[first + i] ?? 0);
    }
  }
}
