/** Who is admitted next: first come first served, or by priority. A preempted request goes back to where it was. */
import { LazyHeap } from './heap.ts';
import { RowList, type RowArena } from './row-list.ts';
import type { Sequences } from './sequences.ts';

export interface WaitingQueue {
  readonly size: number;
  /** The next row, or −1. */
  readonly head: number;
  /** A request arrives. */
  push(row: number): void;
  /** A request comes back before it is done. */
  giveBack(row: number): void;
  /** Takes the head out. */
  shift(): void;
  /** Takes out a row that waits, wherever it stands. */
  remove(row: number): void;
}

/** Arrivals behind, preempted ones in front (vLLM's FCFSRequestQueue). */
export function firstComeFirstServed(arena: RowArena): WaitingQueue {
  const list = new RowList(arena);
  return {
    get size() {
      return list.size;
    },
    get head() {
      return list.head;
    },
    push: (row) => list.append(row),
    giveBack: (row) => list.prepend(row),
    shift: () => list.remove(list.head),
    remove: (row) => list.remove(row),
  };
}

/** Higher priority first; among equals the one that arrived first, preempted or not. */
export function byPriority(sequences: Sequences): WaitingQueue {
  const heap = new LazyHeap();
  const { priority } = sequences.requests;
  // Arrivals stay below 2^31, so the priority decides before them and both are exact in a double.
  const push = (row: number): void =>
    heap.push((256 - (priority[row] ?? 0)) * 2 ** 31 + sequences.arrival(row), row);
  return {
    get size() {
      return heap.size;
    },
    get head() {
      return heap.topRow;
    },
    push,
    giveBack: push,
    shift: () => heap.pop(),
    remove: (row) => {
      // Rare (a person cancels), so the heap is simply built again without it.
      const others: number[] = [];
      for (; heap.size > 0; heap.pop()) if (heap.topRow !== row) others.push(heap.topRow);
      others.forEach(push);
    },
  };
}
