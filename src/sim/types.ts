/** What the simulator tells while it runs. Listeners are called in the middle of a step: cheap, and nothing is changed. */
import type { BlockListener } from '../core/kv/block-events.ts';
import type { StepOutcome, StepPlan } from '../core/schedule/scheduler.ts';

/** What a replica holds at one moment. */
export interface ReplicaState {
  readonly numRunning: number;
  readonly numWaiting: number;
  readonly numBlocks: number;
  /** Blocks that a sequence refers to. */
  readonly numActiveBlocks: number;
  /** Free blocks whose contents a prefix cache can still find. */
  readonly numCachedBlocks: number;
  readonly numFreeBlocks: number;
  /** Slots of active blocks that hold no token yet. */
  readonly numWastedSlots: number;
}

export interface SimObserver {
  /** A replica is being built: who listens to its blocks, if anybody does. */
  listenTo?(replica: number, numBlocks: number): BlockListener | undefined;
  /** A request was sent. */
  arrived?(request: number, nowMs: number, replica: number): void;
  /** It can never fit and was sent back. */
  rejected?(request: number, nowMs: number, replica: number): void;
  /** It entered the batch, `cachedTokens` of its text found; again after each preemption. */
  started?(request: number, nowMs: number, replica: number, cachedTokens: number): void;
  /** It lost its blocks, `lostTokens` computed tokens in them. */
  preempted?(request: number, nowMs: number, replica: number, lostTokens: number): void;
  /** Its prompt is computed: its first token, or the first one after a preemption. */
  prefilled?(request: number, nowMs: number, replica: number): void;
  finished?(request: number, nowMs: number, replica: number): void;
  /** Bytes of KV begin to leave a replica or to come to it: a lower tier, host memory, another replica. */
  moved?(replica: number, outBytes: number, inBytes: number): void;
  /** The contents of a block that a request was just given come from a tier, 1 for the fastest. */
  loaded?(replica: number, block: number, request: number, tier: number): void;
  /** A text came to a tier below a replica's memory, 0 for the fastest, or left it. Shared tiers are of every replica. */
  stored?(replica: number, tier: number, id: number, came: boolean): void;
  /** A step was scheduled and begins; `state` is what the replica holds while it runs. */
  began?(replica: number, startMs: number, plan: StepPlan, state: ReplicaState): void;
  /** A step was executed; plan, outcome and state are overwritten by the next one. */
  step?(
    replica: number,
    startMs: number,
    endMs: number,
    plan: StepPlan,
    outcome: StepOutcome,
    state: ReplicaState,
  ): void;
}
