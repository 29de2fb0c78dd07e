/**
 * Reads a block history: the pool at any moment, a block's past, a request's blocks and timeline. Pure, and the same on
 * the page, in a worker and in Node.
 *
 * A moment is a number of events; `momentOf(step)` is the end of a step, −1 the moment before the first. Going forward
 * replays what lies between, going back starts from the keyframe before, so that a moment costs at most
 * `max(32,768, 2 · numBlocks)` events: a few milliseconds at 100,000 blocks.
 */
import { BLOCK_EVENT_KINDS, type BlockEventKind } from '../core/kv/block-events.ts';
import { EVENT_CODE, PHASE_KINDS, type BlockHistory, type PhaseKind } from './recorder-history.ts';
import { PoolState } from './recorder-state.ts';

export interface BlockEvent {
  /** Its number. */
  readonly event: number;
  readonly step: number;
  /** Start of the step. */
  readonly timeMs: number;
  readonly kind: BlockEventKind;
  readonly block: number;
  readonly request: number;
  /** Contents of hit, cache and evict; −1 else. */
  readonly id: number;
  /** Of `free`: a request that still refers to the block, or −1. */
  readonly heir: number;
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
  readonly #state: PoolState;

  constructor(history: BlockHistory) {
    this.history = history;
    this.numSteps = history.steps.eventEnd.length;
    this.numEvents = history.events.kind.length;
    this.#state = new PoolState(history.numBlocks);
  }

  /** Events up to the end of a step; 0 before the first. */
  momentOf(step: number): number {
    return step < 0 ? 0 : (this.history.steps.eventEnd[Math.min(step, this.numSteps - 1)] ?? 0);
  }

  /** The step that event number `event` belongs to. */
  stepOf(event: number): number {
    const { eventEnd } = this.history.steps;
    let [low, high] = [0, this.numSteps];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((eventEnd[middle] ?? 0) <= event) low = middle + 1;
      else high = middle;
    }
    return low;
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
    const name = BLOCK_EVENT_KINDS[kind[event] ?? 0] ?? 'alloc';
    const last = value[event] ?? -1;
    return {
      event,
      step,
      timeMs: this.history.steps.startMs[step] ?? 0,
      kind: name,
      block: block[event] ?? -1,
      request: request[event] ?? -1,
      id: name === 'free' ? -1 : last,
      heir: name === 'free' ? last : -1,
    };
  }

  /** Events of one step, in order. */
  eventsOf(step: number): BlockEvent[] {
    const [from, to] = [this.momentOf(step - 1), this.momentOf(step)];
    return Array.from({ length: to - from }, (_, i) => this.eventAt(from + i));
  }

  /** The newest events of a block up to a moment, newest first. */
  pastOf(block: number, moment: number, most = 50): BlockEvent[] {
    const column = this.history.events.block;
    const past: BlockEvent[] = [];
    for (let i = Math.min(moment, this.numEvents) - 1; i >= 0 && past.length < most; i--) {
      if (column[i] === block) past.push(this.eventAt(i));
    }
    return past;
  }

  /** Blocks that a request refers to at a moment, in the order of its tokens. */
  blocksOf(request: number, moment: number): number[] {
    const { kind, block, request: who } = this.history.events;
    const end = Math.min(moment, this.numEvents);
    const table: number[] = [];
    for (let i = 0; i < end; i++) {
      if (who[i] !== request) continue;
      const code = kind[i];
      if (code === EVENT_CODE.alloc || code === EVENT_CODE.hit) table.push(block[i] ?? -1);
      // A table is given back last block first, so the block stands at its end.
      else if (code === EVENT_CODE.free) table.splice(table.lastIndexOf(block[i] ?? -1), 1);
    }
    return table;
  }

  /** Requests that refer to a block at a moment, in the order they took it. */
  holdersOf(block: number, moment: number): number[] {
    const { kind, block: which, request } = this.history.events;
    const end = Math.min(moment, this.numEvents);
    const holders: number[] = [];
    for (let i = 0; i < end; i++) {
      if (which[i] !== block) continue;
      const code = kind[i];
      if (code === EVENT_CODE.alloc || code === EVENT_CODE.hit) holders.push(request[i] ?? -1);
      else if (code === EVENT_CODE.free) holders.splice(holders.lastIndexOf(request[i] ?? -1), 1);
    }
    return holders;
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
    state.event = keyframes.event[frame] ?? 0;
    state.recount();
  }
}
