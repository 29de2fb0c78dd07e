/**
 * Reads a block history: the pool at any moment, a block's past, a request's blocks and timeline. Pure, and the same on
 * the page, in a worker and in Node.
 *
 * A moment is a number of events; `momentOf(step)` is the end of a step, −1 the moment before the first. Going forward
 * replays what lies between, going back starts from the keyframe before, so that a moment costs at most
 * `max(32,768, 2 · numBlocks)` events: a few milliseconds at 100,000 blocks.
 */
import {
  EVENT_CODE,
  PHASE_KINDS,
  RECORDED_KINDS,
  type BlockHistory,
  type PhaseKind,
  type RecordedKind,
} from './recorder-history.ts';
import { PoolState } from './recorder-state.ts';
import { StoreReader } from './recorder-stores.ts';

export interface BlockEvent {
  /** Its number. */
  readonly event: number;
  readonly step: number;
  /** Start of the step. */
  readonly timeMs: number;
  readonly kind: RecordedKind;
  readonly block: number;
  readonly request: number;
  /** Contents of hit, cache, evict and drop; −1 else. */
  readonly id: number;
  /** Of `free`: a request that still refers to the block, or −1. */
  readonly heir: number;
  /** Of `load`: the number of the tier; 0 else. */
  readonly tier: number;
  /** Of `alloc`: the group of layers that the block is for; 0 else. */
  readonly group: number;
}

export interface RequestPhase {
  readonly kind: PhaseKind;
  readonly step: number;
  readonly timeMs: number;
  /** See PhaseColumns. */
  readonly tokens: number;
}

export class HistoryReader {
  readonly history: BlockHistory;
  readonly numSteps: number;
  readonly numEvents: number;
  /** What lies in the tiers below the GPU's memory. */
  readonly stores: StoreReader;
  readonly #state: PoolState;
  #blockEvents: { readonly key: number; readonly events: Int32Array } | null = null;
  #requestEvents: { readonly key: number; readonly events: Int32Array } | null = null;

  constructor(history: BlockHistory) {
    this.history = history;
    this.numSteps = history.steps.eventEnd.length;
    this.numEvents = history.events.kind.length;
    this.stores = new StoreReader(history.stores, history.tiers.length);
    this.#state = new PoolState(history.numBlocks);
  }

  /** Events up to the end of a step; 0 before the first. */
  momentOf(step: number): number {
    return step < 0 ? 0 : (this.history.steps.eventEnd[Math.min(step, this.numSteps - 1)] ?? 0);
  }

  /** The step that event number `event` belongs to. */
  stepOf(event: number): number {
    return countBelow(this.history.steps.eventEnd, event + 1);
  }

  /** The pool at a moment. One object, overwritten by the next call. */
  stateAt(moment: number): PoolState {
    const state = this.#state;
    const end = Math.max(0, Math.min(moment, this.numEvents));
    const frame = this.#frameBefore(end);
    const at = frame < 0 ? 0 : (this.history.keyframes.event[frame] ?? 0);
    if (state.event > end || state.event < at) this.#load(frame);
    state.applyUntil(this.history.events, end);
    return state;
  }

  eventAt(event: number): BlockEvent {
    const { kind, block, request, value } = this.history.events;
    const step = this.stepOf(event);
    const name = RECORDED_KINDS[kind[event] ?? 0] ?? 'alloc';
    const last = value[event] ?? -1;
    return {
      event,
      step,
      timeMs: this.history.steps.startMs[step] ?? 0,
      kind: name,
      block: block[event] ?? -1,
      request: request[event] ?? -1,
      id: name === 'free' || name === 'load' || name === 'alloc' ? -1 : last,
      heir: name === 'free' ? last : -1,
      tier: name === 'load' ? last : 0,
      group: name === 'alloc' ? Math.max(0, last) : 0,
    };
  }

  /** Events of one step, in order. */
  eventsOf(step: number): BlockEvent[] {
    const [from, to] = [this.momentOf(step - 1), this.momentOf(step)];
    return Array.from({ length: to - from }, (_, i) => this.eventAt(from + i));
  }

  /** The newest events of a block up to a moment, newest first. */
  pastOf(block: number, moment: number, most = 50): BlockEvent[] {
    const events = this.#ofBlock(block);
    const past: BlockEvent[] = [];
    for (let i = countBelow(events, moment) - 1; i >= 0 && past.length < most; i--) {
      past.push(this.eventAt(events[i] ?? 0));
    }
    return past;
  }

  /** The nearest step before (−1) or after (1) `step` in which something happened to a block, or null. */
  changeOf(block: number, step: number, direction: -1 | 1): number | null {
    const events = this.#ofBlock(block);
    const at =
      direction < 0
        ? countBelow(events, this.momentOf(step - 1)) - 1
        : countBelow(events, this.momentOf(step));
    const event = events[at];
    return event === undefined ? null : this.stepOf(event);
  }

  /** Blocks that a request refers to at a moment, in the order of its tokens. */
  blocksOf(request: number, moment: number): number[] {
    return this.#taken(this.#ofRequest(request), this.history.events.block, moment);
  }

  /** Requests that refer to a block at a moment, in the order they took it. */
  holdersOf(block: number, moment: number): number[] {
    return this.#taken(this.#ofBlock(block), this.history.events.request, moment);
  }

  /** Blocks without a reference, the one that has been free for longest first: the order in which a pool reuses them. */
  freeBlocks(state: PoolState): number[] {
    const free: number[] = [];
    for (let block = 0; block < state.numBlocks; block++) {
      if (state.references[block] === 0) free.push(block);
    }
    return free.sort((a, b) => (state.touched[a] ?? 0) - (state.touched[b] ?? 0));
  }

  /** Everything that happened to a request, in order. */
  phasesOf(request: number): RequestPhase[] {
    const { kind, request: who, step, timeMs, tokens } = this.history.phases;
    const phases: RequestPhase[] = [];
    for (let i = who.indexOf(request); i >= 0; i = who.indexOf(request, i + 1)) {
      phases.push({
        kind: PHASE_KINDS[kind[i] ?? 0] ?? 'arrived',
        step: step[i] ?? 0,
        timeMs: timeMs[i] ?? 0,
        tokens: tokens[i] ?? 0,
      });
    }
    return phases;
  }

  /** What was taken and not given back by a moment; things are given back last taken first. */
  #taken(events: Int32Array, column: Int32Array, moment: number): number[] {
    const { kind } = this.history.events;
    const count = countBelow(events, moment);
    const held: number[] = [];
    for (let i = 0; i < count; i++) {
      const event = events[i] ?? 0;
      const code = kind[event];
      const what = column[event] ?? -1;
      if (code === EVENT_CODE.alloc || code === EVENT_CODE.hit) held.push(what);
      else if (code === EVENT_CODE.free) held.splice(held.lastIndexOf(what), 1);
    }
    return held;
  }

  /** Numbers of a block's events; the last answer is kept, because a reader stays with a block while time moves. */
  #ofBlock(block: number): Int32Array {
    if (this.#blockEvents?.key !== block) {
      this.#blockEvents = { key: block, events: rowsWith(this.history.events.block, block) };
    }
    return this.#blockEvents.events;
  }

  #ofRequest(request: number): Int32Array {
    if (this.#requestEvents?.key !== request) {
      this.#requestEvents = { key: request, events: rowsWith(this.history.events.request, request) };
    }
    return this.#requestEvents.events;
  }

  /** The last keyframe that holds no more than `end` events, or −1. */
  #frameBefore(end: number): number {
    const { event } = this.history.keyframes;
    let frame = -1;
    while (frame + 1 < event.length && (event[frame + 1] ?? 0) <= end) frame++;
    return frame;
  }

  #load(frame: number): void {
    const state = this.#state;
    if (frame < 0) return state.reset();
    const { keyframes, numBlocks } = this.history;
    const [from, to] = [frame * numBlocks, (frame + 1) * numBlocks];
    state.owner.set(keyframes.owner.subarray(from, to));
    state.references.set(keyframes.references.subarray(from, to));
    state.contents.set(keyframes.contents.subarray(from, to));
    state.touched.set(keyframes.touched.subarray(from, to));
    state.tier.set(keyframes.tier.subarray(from, to));
    state.group.set(keyframes.group.subarray(from, to));
    state.event = keyframes.event[frame] ?? 0;
    state.recount();
  }
}

/** How many values of a rising column are below `bound`. */
function countBelow(column: Int32Array, bound: number): number {
  let [low, high] = [0, column.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((column[middle] ?? 0) < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

function rowsWith(column: Int32Array, value: number): Int32Array {
  const rows: number[] = [];
  for (let i = column.indexOf(value); i >= 0; i = column.indexOf(value, i + 1)) rows.push(i);
  return Int32Array.from(rows);
}
