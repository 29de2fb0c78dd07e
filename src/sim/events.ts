/**
 * The event queue. Events are ordered by time, then kind, then by when they were scheduled: no two runs differ.
 *
 * Kinds in the order in which events of the same instant happen: what ends makes room first, then requests arrive, then
 * steps begin and see all of it.
 */

export const EVENT_KINDS = ['step-end', 'transfer-end', 'arrival', 'wake', 'step-begin'] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

export interface SimEvent {
  timeMs: number;
  readonly kind: EventKind;
  /** Replica, or request of an arrival or a transfer. */
  readonly subject: number;
  /** When it was scheduled, counted in events of this run; the queue's to write. */
  sequence?: number;
}

const RANK: Readonly<Record<EventKind, number>> = {
  'step-end': 0,
  'transfer-end': 1,
  arrival: 2,
  wake: 3,
  'step-begin': 4,
};

function before(a: SimEvent, b: SimEvent): boolean {
  if (a.timeMs !== b.timeMs) return a.timeMs < b.timeMs;
  const ranks = RANK[a.kind] - RANK[b.kind];
  return ranks !== 0 ? ranks < 0 : (a.sequence ?? 0) < (b.sequence ?? 0);
}

/** A binary heap of events. An event is the queue's own from push to pop, and may be used again afterwards. */
export class EventQueue {
  #heap: SimEvent[] = [];
  #count = 0;

  get size(): number {
    return this.#heap.length;
  }

  push(event: SimEvent): void {
    if (!(event.timeMs >= 0)) throw new RangeError(`An event at ${event.timeMs} ms is in no order.`);
    event.sequence = this.#count++;
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !before(event, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  /** When the next event happens; infinite when none is left. */
  get nextMs(): number {
    return this.#heap[0]?.timeMs ?? Infinity;
  }

  /** The next event, taken out; undefined when none is left. */
  pop(): SimEvent | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const left = heap[child];
      if (left === undefined) break;
      const right = heap[child + 1];
      let least = left;
      if (right !== undefined && before(right, left)) {
        child++;
        least = right;
      }
      if (!before(least, last)) break;
      heap[at] = least;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}
