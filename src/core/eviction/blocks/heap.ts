/**
 * A binary heap of blocks by (priority, order of arrival) from which any block can be taken.
 *
 * A block keeps one slot while it is in the heap; what moves is the slot's number, in flat arrays.
 */
import type { BlockKey } from './policy.ts';

export interface Ranked {
  readonly key: BlockKey;
  readonly priority: number;
  /** Breaks ties: the smaller goes first. */
  readonly order: number;
}

const FIRST_SLOTS = 64;

export class Heap {
  #slotOf = new Map<BlockKey, number>();
  #length = 0;
  /** Position → slot; behind the heap lie the slots that are free. */
  #slots = Int32Array.from({ length: FIRST_SLOTS }, (_, slot) => slot);
  /** Slot → position. */
  #at = Int32Array.from({ length: FIRST_SLOTS }, (_, slot) => slot);
  #priority = new Float64Array(FIRST_SLOTS);
  #order = new Float64Array(FIRST_SLOTS);
  #keys: BlockKey[] = [];

  get length(): number {
    return this.#length;
  }

  priorityOf(key: BlockKey): number | undefined {
    const slot = this.#slotOf.get(key);
    return slot === undefined ? undefined : this.#priority[slot];
  }

  /** Adds or, for a known key, replaces. */
  set({ key, priority, order }: Ranked): void {
    let slot = this.#slotOf.get(key);
    if (slot === undefined) {
      if (this.#length === this.#slots.length) this.#growTwice();
      slot = this.#slots[this.#length] ?? 0;
      this.#length++;
      this.#slotOf.set(key, slot);
      this.#keys[slot] = key;
    }
    this.#priority[slot] = priority;
    this.#order[slot] = order;
    this.#settle(slot);
  }

  delete(key: BlockKey): boolean {
    const slot = this.#slotOf.get(key);
    if (slot === undefined) return false;
    this.#slotOf.delete(key);
    const at = this.#at[slot] ?? 0;
    const last = this.#slots[--this.#length] ?? 0;
    // The slot goes behind the heap, where it is free.
    this.#place(this.#length, slot);
    if (last === slot) return true;
    this.#place(at, last);
    this.#settle(last);
    return true;
  }

  /** Takes the lowest that may go; those in use stay. */
  takeWhere(canEvict: (key: BlockKey) => boolean): Ranked | null {
    const inUse: Ranked[] = [];
    let found: Ranked | null = null;
    while (this.#length > 0 && !found) {
      const top = this.#ranked(this.#slots[0] ?? 0);
      this.delete(top.key);
      if (canEvict(top.key)) found = top;
      else inUse.push(top);
    }
    for (const item of inUse) this.set(item);
    return found;
  }

  #ranked(slot: number): Ranked {
    return { key: this.#keys[slot] ?? 0, priority: this.#priority[slot] ?? 0, order: this.#order[slot] ?? 0 };
  }

  #before(a: number, b: number): boolean {
    const [pa, pb] = [this.#priority[a] ?? 0, this.#priority[b] ?? 0];
    return pa < pb || (pa === pb && (this.#order[a] ?? 0) < (this.#order[b] ?? 0));
  }

  #place(at: number, slot: number): void {
    this.#slots[at] = slot;
    this.#at[slot] = at;
  }

  /** Moves a slot up or down to where it belongs. */
  #settle(slot: number): void {
    const start = this.#at[slot] ?? 0;
    let at = start;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = this.#slots[up] ?? 0;
      if (!this.#before(slot, parent)) break;
      this.#place(at, parent);
      at = up;
    }
    if (at === start) at = this.#down(slot, at);
    this.#place(at, slot);
  }

  #down(slot: number, start: number): number {
    let at = start;
    for (let child = 2 * at + 1; child < this.#length; child = 2 * at + 1) {
      const right = child + 1;
      if (right < this.#length && this.#before(this.#slots[right] ?? 0, this.#slots[child] ?? 0))
        child = right;
      const below = this.#slots[child] ?? 0;
      if (!this.#before(below, slot)) break;
      this.#place(at, below);
      at = child;
    }
    return at;
  }

  #growTwice(): void {
    const length = 2 * this.#slots.length;
    const numbered = (old: Int32Array) => {
      const wider = Int32Array.from({ length }, (_, i) => i);
      wider.set(old);
      return wider;
    };
    const wider = (old: Float64Array) => {
      const array = new Float64Array(length);
      array.set(old);
      return array;
    };
    this.#slots = numbered(this.#slots);
    this.#at = numbered(this.#at);
    this.#priority = wider(this.#priority);
    this.#order = wider(this.#order);
  }
}
