/**
 * The event loop: requests arrive, replicas step, until nothing is left to happen.
 *
 *   arrival     the request goes to a replica; the next arrival of the table is scheduled
 *   step-begin  the replica schedules; its step ends after what the cost model says
 *   step-end    the replica accounts for it; requests that waited for an end are sent; the next step begins
 *   wake        a replica that waited for a full batch waits no longer
 *   transfer-end  a request whose prompt was computed elsewhere is at the replica that decodes it
 *
 * A handler returns the events that follow from it. `advance` runs a bounded number of them, so that whoever calls can
 * show progress and stop between two calls.
 */
import type { RequestTable } from '../core/schedule/requests.ts';
import type { Handoff } from './disaggregation.ts';
import { EventQueue, type EventKind, type SimEvent } from './events.ts';
import type { Replica } from './replica.ts';
import type { SimObserver } from './types.ts';

/** Which replica a request goes to. */
export type Route = (request: number, replicas: readonly Replica[], nowMs: number) => number;

export interface LoopParts {
  readonly requests: RequestTable;
  readonly replicas: readonly Replica[];
  /** Left out: the first. */
  readonly route?: Route;
  /** Prefill and decode on replicas of their own: `route` chooses among those that prefill. */
  readonly handoff?: Handoff | undefined;
  readonly observer?: SimObserver;
}

const NOTHING: readonly SimEvent[] = [];

export class SimLoop {
  #requests: RequestTable;
  #replicas: readonly Replica[];
  /** Those that requests are sent to. */
  #fronts: readonly Replica[];
  #route: Route;
  #handoff: Handoff | undefined;
  #observer: SimObserver;
  #queue = new EventQueue();
  /** Rows of the table from here on have not arrived. */
  #nextRow = 0;
  /** A begin is in the queue already. */
  #begins: Uint8Array;
  /** When each replica that waits for a full batch is to be woken. */
  #wakes: Float64Array;
  /** Request → those that are sent when it ends. */
  #followers: Map<number, number[]>;
  #nowMs = 0;
  #numDone = 0;
  /** A replica has one step at a time, so the events of a step are made once for each and used again. */
  #stepBegins: readonly SimEvent[];
  #stepEnds: readonly SimEvent[];
  /** What follows from an event where it is one event; read before the next one is handled. */
  #single: SimEvent[] = [];
  #handlers: Readonly<Record<EventKind, (event: SimEvent) => readonly SimEvent[]>> = {
    arrival: (event) => this.#arrive(event),
    'step-begin': (event) => this.#begin(event),
    'step-end': (event) => this.#end(event),
    wake: (event) => this.#wake(event),
    'transfer-end': (event) => this.#deliver(event),
  };

  constructor({ requests, replicas, route, handoff, observer }: LoopParts) {
    this.#requests = requests;
    this.#replicas = replicas;
    this.#fronts = handoff ? replicas.filter((_, index) => handoff.isPrefill(index)) : replicas;
    this.#route = route ?? (() => 0);
    this.#handoff = handoff;
    this.#observer = observer ?? {};
    this.#begins = new Uint8Array(replicas.length);
    this.#wakes = new Float64Array(replicas.length).fill(NaN);
    this.#followers = followersOf(requests);
    const perReplica = (kind: EventKind) =>
      replicas.map((_, subject) => ({ timeMs: 0, kind, subject, sequence: 0 }));
    this.#stepBegins = perReplica('step-begin');
    this.#stepEnds = perReplica('step-end');
    for (const event of this.#nextArrival()) this.#queue.push(event);
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Requests that finished or were rejected. */
  get numDone(): number {
    return this.#numDone;
  }

  /**
   * Handles at most `maxEvents` events.
   * @returns false when the run is over
   */
  advance(maxEvents: number): boolean {
    for (let i = 0; i < maxEvents; i++) {
      const event = this.#queue.pop();
      if (event === undefined) return false;
      this.#nowMs = event.timeMs;
      for (const next of this.#handlers[event.kind](event)) this.#queue.push(next);
    }
    return this.#queue.size > 0;
  }

  /**
   * Handles the events that happen until `timeMs`, but at most `maxEvents` of them.
   * @returns false when none of them is left
   */
  advanceUntil(timeMs: number, maxEvents: number): boolean {
    for (let i = 0; i < maxEvents; i++) {
      if (this.#queue.nextMs > timeMs) return false;
      this.advance(1);
    }
    return this.#queue.nextMs <= timeMs;
  }

  /** Nothing is left to happen. */
  get isOver(): boolean {
    return this.#queue.size === 0;
  }

  /** The table's next row that waits for nobody. */
  #nextArrival(): readonly SimEvent[] {
    const { after, arrivalMs, size } = this.#requests;
    while (this.#nextRow < size && (after[this.#nextRow] ?? -1) >= 0) this.#nextRow++;
    if (this.#nextRow >= size) return NOTHING;
    const row = this.#nextRow++;
    return [{ timeMs: arrivalMs[row] ?? 0, kind: 'arrival', subject: row }];
  }

  #arrive({ subject: request, timeMs }: SimEvent): readonly SimEvent[] {
    const waitsForNobody = (this.#requests.after[request] ?? -1) < 0;
    const following = waitsForNobody ? this.#nextArrival() : NOTHING;
    const index = this.#route(request, this.#fronts, timeMs);
    this.#handoff?.arrived(request);
    this.#observer.arrived?.(request, timeMs, index);
    if (!this.#canHold(request, index)) {
      this.#observer.rejected?.(request, timeMs, index);
      return [...following, ...this.#ended(request, timeMs)];
    }
    const begin = this.#add(request, index, timeMs);
    return begin ? [...following, begin] : following;
  }

  /** Whether the pools that a request goes through can ever hold it. */
  #canHold(request: number, index: number): boolean {
    const next = this.#handoff?.targetOf(request) ?? -1;
    return this.#replica(index).canHold(request) && (next < 0 || this.#replica(next).canHold(request));
  }

  /** Queues a request; the step that begins when the replica was idle. */
  #add(request: number, index: number, timeMs: number): SimEvent | null {
    const replica = this.#replica(index);
    replica.add(request, timeMs);
    return replica.busy || this.#begins[index] === 1 ? null : this.#beginAt(index, timeMs);
  }

  #deliver({ subject: request, timeMs }: SimEvent): readonly SimEvent[] {
    this.#handoff?.delivered(request);
    const begin = this.#add(request, this.#handoff?.targetOf(request) ?? 0, timeMs);
    return begin ? [begin] : NOTHING;
  }

  #begin({ subject: index, timeMs }: SimEvent): readonly SimEvent[] {
    this.#begins[index] = 0;
    const endMs = this.#replica(index).begin(timeMs);
    return endMs === null ? this.#sleep(index) : this.#only(at(this.#stepEnds, index, endMs));
  }

  /** A replica with nothing to do; it may wait for a full batch, but not longer than it says. */
  #sleep(index: number): readonly SimEvent[] {
    const wakeMs = this.#replica(index).wakeMs;
    if (wakeMs === null || wakeMs === this.#wakes[index]) return NOTHING;
    this.#wakes[index] = wakeMs;
    return [{ timeMs: wakeMs, kind: 'wake', subject: index }];
  }

  /** Too late when the batch was full before: the replica is busy, or has said another time since. */
  #wake({ subject: index, timeMs }: SimEvent): readonly SimEvent[] {
    const isAwake = this.#replica(index).busy || this.#begins[index] === 1;
    return isAwake ? NOTHING : this.#only(this.#beginAt(index, timeMs));
  }

  #end({ subject: index, timeMs }: SimEvent): readonly SimEvent[] {
    const replica = this.#replica(index);
    const { finished } = replica.end(timeMs);
    const begin = this.#beginAt(index, timeMs);
    if (finished.length === 0) return this.#only(begin);
    return [begin, ...finished.flatMap((request) => this.#leave(request, index, timeMs))];
  }

  /** A request is done with a replica: it goes on at another one, or is over. */
  #leave(request: number, index: number, nowMs: number): readonly SimEvent[] {
    const handoff = this.#handoff;
    if (!handoff?.isPrefill(index) || handoff.targetOf(request) < 0) return this.#ended(request, nowMs);
    return [{ timeMs: handoff.takeSentMs(request, nowMs), kind: 'transfer-end', subject: request }];
  }

  #beginAt(index: number, timeMs: number): SimEvent {
    this.#begins[index] = 1;
    return at(this.#stepBegins, index, timeMs);
  }

  #only(event: SimEvent): readonly SimEvent[] {
    this.#single[0] = event;
    return this.#single;
  }

  /** A request is over; those that waited for it are sent after their pause. */
  #ended(request: number, nowMs: number): SimEvent[] {
    this.#numDone++;
    this.#handoff?.left(request);
    const followers = this.#followers.get(request) ?? [];
    return followers.map((row) => ({
      timeMs: nowMs + (this.#requests.arrivalMs[row] ?? 0),
      kind: 'arrival',
      subject: row,
    }));
  }

  #replica(index: number): Replica {
    const replica = this.#replicas[index];
    if (!replica) throw new RangeError(`Replica ${index} was asked for; there are ${this.#replicas.length}.`);
    return replica;
  }
}

/** The event of a replica, at another time. */
function at(events: readonly SimEvent[], index: number, timeMs: number): SimEvent {
  const event = events[index];
  if (!event) throw new RangeError(`Replica ${index} was asked for; there are ${events.length}.`);
  event.timeMs = timeMs;
  return event;
}

function followersOf({ after, size }: RequestTable): Map<number, number[]> {
  const followers = new Map<number, number[]>();
  for (let row = 0; row < size; row++) {
    const before = after[row] ?? -1;
    if (before < 0) continue;
    const rows = followers.get(before);
    if (rows) rows.push(row);
    else followers.set(before, [row]);
  }
  return followers;
}
