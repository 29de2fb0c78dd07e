/**
 * Records what happens to each block of one replica and to each request there, for the block view and the access profile.
 *
 * Two doors: `onBlock` is the block manager's listener, the others are the simulation's observer. Events that came since
 * the step before belong to the step that `step` reports. Memory is bounded: 13 bytes an event, 6 one of a tier, 21 a request's phase and
 * 32 a step, and one copy of the pool (16 bytes a block) every `max(32,768, 2 · numBlocks)` events, from which any moment
 * is a short walk away. When a bound is reached the recorder stops at the end of a step and says so; the run goes on.
 *
 * Reading back is recorder-reader.ts.
 */
import type { BlockEventKind } from '../core/kv/block-events.ts';
import type { StepOutcome, StepPlan } from '../core/schedule/scheduler.ts';
import { bytes, doubles, ints } from './recorder-columns.ts';
import {
  EVENT_CODE,
  PHASE_KINDS,
  type BlockHistory,
  type PhaseKind,
  type RecordingStop,
} from './recorder-history.ts';
import { PoolState } from './recorder-state.ts';
import { StoreRecorder } from './recorder-stores.ts';
import type { SimObserver } from './types.ts';

export interface RecorderConfig {
  readonly numBlocks: number;
  /** Tokens of a block. */
  readonly blockSize: number;
  /** The replica whose blocks `onBlock` tells of; steps and requests of others are passed over. */
  readonly replica?: number;
  /** Names of the tiers below the GPU's memory, the fastest first. */
  readonly tiers?: readonly string[];
  /** What each group of layers keeps, in words; left out: there is one. */
  readonly groups?: readonly string[];
  /** Block events, and as many phases of requests and events of tiers. */
  readonly maxEvents?: number;
  readonly maxSteps?: number;
  /** Events between two copies of the pool; left out: max(32,768, 2 · numBlocks). */
  readonly keyframeEvents?: number;
}

/** 4 million events of 13 bytes: 52 MB. */
export const MAX_RECORDED_EVENTS = 4_000_000;
export const MAX_RECORDED_STEPS = 1_000_000;
const LEAST_KEYFRAME_EVENTS = 32_768;
const NONE = -1;

const PHASE_CODE = Object.fromEntries(PHASE_KINDS.map((kind, code) => [kind, code])) as Readonly<
  Record<PhaseKind, number>
>;

export class BlockRecorder implements SimObserver {
  readonly #config: Required<RecorderConfig>;
  readonly #state: PoolState;
  readonly #events = { kind: bytes(), block: ints(), request: ints(), value: ints() };
  readonly #steps = {
    startMs: doubles(),
    endMs: doubles(),
    eventEnd: ints(),
    active: ints(),
    cached: ints(),
    decodes: ints(),
  };
  readonly #phases = { kind: bytes(), request: ints(), step: ints(), timeMs: doubles(), tokens: ints() };
  readonly #stores = new StoreRecorder();
  readonly #keyframes: PoolState[] = [];
  /** Requests that refer to a shared block; blocks with one reference stand in the state alone. */
  readonly #holders = new Map<number, number[]>();
  #numSteps = 0;
  #numPhases = 0;
  #keptPhases = 0;
  #stopped: RecordingStop | null = null;

  constructor(config: RecorderConfig) {
    this.#config = {
      replica: 0,
      tiers: [],
      groups: [],
      maxEvents: MAX_RECORDED_EVENTS,
      maxSteps: MAX_RECORDED_STEPS,
      keyframeEvents: Math.max(LEAST_KEYFRAME_EVENTS, 2 * config.numBlocks),
      ...config,
    };
    this.#state = new PoolState(config.numBlocks);
  }

  /** Null while everything is recorded. */
  get stopped(): RecordingStop | null {
    return this.#stopped;
  }

  get numSteps(): number {
    return this.#numSteps;
  }

  /** The block manager's listener. */
  readonly onBlock = (kind: BlockEventKind, block: number, request: number, id: number): void => {
    if (this.#stopped) return;
    if (kind === 'alloc' || kind === 'hit') this.#hold(block, request);
    this.#write(EVENT_CODE[kind], block, request, kind === 'free' ? this.#heir(block, request) : id);
  };

  /** The contents of a block that a request was just given come from a tier, 1 for the fastest. */
  readonly onLoad = (block: number, request: number, tier: number): void => {
    if (!this.#stopped) this.#write(EVENT_CODE.load, block, request, tier);
  };

  /** A text comes to a tier, 0 for the fastest, or leaves it. */
  readonly onStored = (tier: number, id: number, came: boolean): void => {
    if (!this.#stopped) this.#stores.add(tier, id, came);
  };

  #write(code: number, block: number, request: number, value: number): void {
    const row = this.#state.event;
    const events = this.#events;
    events.kind.set(row, code);
    events.block.set(row, block);
    events.request.set(row, request);
    events.value.set(row, value);
    this.#state.apply(code, block, request, value);
  }

  arrived(request: number, nowMs: number, replica: number): void {
    if (replica === this.#config.replica) this.#phase('arrived', request, nowMs, 0);
  }

  /** The step that the events since the last call belong to. */
  step(replica: number, startMs: number, endMs: number, plan: StepPlan, outcome: StepOutcome): void {
    if (this.#stopped || replica !== this.#config.replica) return;
    this.#keepPhases(startMs, endMs, plan, outcome);
    const row = this.#numSteps++;
    const steps = this.#steps;
    steps.startMs.set(row, startMs);
    steps.endMs.set(row, endMs);
    steps.eventEnd.set(row, this.#state.event);
    steps.active.set(row, this.#state.numActive);
    steps.cached.set(row, this.#state.numCached);
    steps.decodes.set(row, plan.work.decodeSequences);
    this.#stores.endStep(row);
    this.#keptPhases = this.#numPhases;
    this.#keepFrame();
    this.#checkBounds();
  }

  /** What was recorded, up to the end of the last whole step. The recorder may go on. */
  history(): BlockHistory {
    const rows = this.#numSteps;
    const { numBlocks, blockSize, replica, tiers, groups } = this.#config;
    const [events, steps, phases] = [this.#events, this.#steps, this.#phases];
    const numEvents = rows === 0 ? 0 : steps.eventEnd.at(rows - 1);
    const numPhases = this.#keptPhases;
    return {
      numBlocks,
      blockSize,
      replica,
      tiers,
      groups,
      events: {
        kind: events.kind.cut(numEvents),
        block: events.block.cut(numEvents),
        request: events.request.cut(numEvents),
        value: events.value.cut(numEvents),
      },
      steps: {
        startMs: steps.startMs.cut(rows),
        endMs: steps.endMs.cut(rows),
        eventEnd: steps.eventEnd.cut(rows),
        active: steps.active.cut(rows),
        cached: steps.cached.cut(rows),
        decodes: steps.decodes.cut(rows),
      },
      phases: {
        kind: phases.kind.cut(numPhases),
        request: phases.request.cut(numPhases),
        step: phases.step.cut(numPhases),
        timeMs: phases.timeMs.cut(numPhases),
        tokens: phases.tokens.cut(numPhases),
      },
      stores: this.#stores.cut(rows),
      keyframes: joinFrames(this.#keyframes, numBlocks),
      stopped: this.#stopped,
    };
  }

  #phase(kind: PhaseKind, request: number, timeMs: number, tokens: number): void {
    if (this.#stopped) return;
    const row = this.#numPhases++;
    this.#phases.kind.set(row, PHASE_CODE[kind]);
    this.#phases.request.set(row, request);
    this.#phases.step.set(row, this.#numSteps);
    this.#phases.timeMs.set(row, timeMs);
    this.#phases.tokens.set(row, tokens);
  }

  #keepPhases(startMs: number, endMs: number, plan: StepPlan, outcome: StepOutcome): void {
    const { preempted, lostTokens, joined, chunks, work } = plan;
    for (const [i, request] of preempted.entries()) {
      this.#phase('preempted', request, startMs, lostTokens[i] ?? 0);
    }
    // Those who joined are the last chunks of the plan.
    const first = chunks.length - joined.length;
    for (const [i, request] of joined.entries()) {
      this.#phase('admitted', request, startMs, work.prefillContextTokens[first + i] ?? 0);
    }
    for (const [i, request] of chunks.entries()) {
      this.#phase('chunk', request, startMs, work.prefillTokens[i] ?? 0);
    }
    for (const request of outcome.prefilled) this.#phase('prefilled', request, endMs, 0);
    for (const request of outcome.finished) this.#phase('finished', request, endMs, 0);
  }

  #hold(block: number, request: number): void {
    const references = this.#state.references[block] ?? 0;
    if (references === 0) return;
    const holders = this.#holders.get(block);
    if (holders) holders.push(request);
    else this.#holders.set(block, [this.#state.owner[block] ?? NONE, request]);
  }

  /** Who refers to a block after `request` gave it up: of those that still do, the one that took it last. */
  #heir(block: number, request: number): number {
    const holders = this.#holders.get(block);
    if (!holders) return NONE;
    holders.splice(holders.lastIndexOf(request), 1);
    const heir = holders.at(-1) ?? NONE;
    if (holders.length === 1) this.#holders.delete(block);
    return heir;
  }

  #keepFrame(): void {
    const last = this.#keyframes.at(-1)?.event ?? 0;
    if (this.#state.event - last >= this.#config.keyframeEvents) this.#keyframes.push(copyOf(this.#state));
  }

  #checkBounds(): void {
    const { maxEvents, maxSteps } = this.#config;
    const steps = this.#numSteps;
    const stop = (what: string) => {
      this.#stopped = {
        steps,
        reason: `The recorder holds ${what} and stopped after step ${steps}; a shorter run is recorded whole.`,
      };
    };
    if (this.#state.event >= maxEvents) stop(`${maxEvents} block events`);
    else if (this.#stores.size >= maxEvents) stop(`${maxEvents} events of tiers`);
    else if (this.#numPhases >= maxEvents) stop(`${maxEvents} events of requests`);
    else if (steps >= maxSteps) stop(`${maxSteps} steps`);
  }
}

function copyOf(state: PoolState): PoolState {
  const copy = new PoolState(state.numBlocks);
  copy.owner.set(state.owner);
  copy.references.set(state.references);
  copy.contents.set(state.contents);
  copy.touched.set(state.touched);
  copy.tier.set(state.tier);
  copy.group.set(state.group);
  copy.event = state.event;
  return copy;
}

function joinFrames(frames: readonly PoolState[], numBlocks: number): BlockHistory['keyframes'] {
  const joined = {
    event: Int32Array.from(frames, ({ event }) => event),
    owner: new Int32Array(frames.length * numBlocks),
    references: new Uint16Array(frames.length * numBlocks),
    contents: new Int32Array(frames.length * numBlocks),
    touched: new Int32Array(frames.length * numBlocks),
    tier: new Uint8Array(frames.length * numBlocks),
    group: new Uint8Array(frames.length * numBlocks),
  };
  frames.forEach((frame, i) => {
    joined.owner.set(frame.owner, i * numBlocks);
    joined.references.set(frame.references, i * numBlocks);
    joined.contents.set(frame.contents, i * numBlocks);
    joined.touched.set(frame.touched, i * numBlocks);
    joined.tier.set(frame.tier, i * numBlocks);
    joined.group.set(frame.group, i * numBlocks);
  });
  return joined;
}
