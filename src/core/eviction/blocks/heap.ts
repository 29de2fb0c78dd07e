/** A binary heap of blocks by (priority, order of arrival) from which any block can be taken. */
import type { BlockKey } from './policy.ts';

export interface Ranked {
  readonly key: BlockKey;
  readonly priority: number;
  /** Breaks ties: the smaller goes first. */
  readonly order: number;
}

function before(a: Ranked, b: Ranked): boolean {
  return a.priority < b.priority || (a.priority === b.priority && a.order < b.order);
}

export class Heap {
  #items: Ranked[] = [];
  #at = new Map<BlockKey, number>();

  get length(): number {
    return this.#items.length;
  }

  get(key: BlockKey): Ranked | undefined {
    const at = this.#at.get(key);
    return at === undefined ? undefined : this.#items[at];
  }

  /** Adds or, for a known key, replaces. */
  set(item: Ranked): void {
    this.delete(item.key);
    this.#items.push(item);
    this.#at.set(item.key, this.#items.length - 1);
    this.#up(this.#items.length - 1);
  }

  delete(key: BlockKey): boolean {
    const at = this.#at.get(key);
    if (at === undefined) return false;
    const last = this.#items.pop();
    this.#at.delete(key);
    if (last && last.key !== key) {
      this.#place(at, last);
      this.#up(at);
      this.#down(this.#at.get(last.key) ?? at);
    }
    return true;
  }

  /** Takes the lowest that may go; those in use stay. */
  takeWhere(canEvict: (key: BlockKey) => boolean): Ranked | null {
    const inUse: Ranked[] = [];
    let found: Ranked | null = null;
    for (let top = this.#items[0]; top && !found; top = this.#items[0]) {
      this.delete(top.key);
      if (canEvict(top.key)) found = top;
      else inUse.push(top);
    }
    for (const item of inUse) this.set(item);
    return found;
  }

  #place(at: number, item: Ranked): void {
    this.#items[at] = item;
    this.#at.set(item.key, at);
  }

  #up(start: number): void {
    let at = start;
    const item = this.#items[at];
    while (item && at > 0) {
      const up = (at - 1) >> 1;
      const parent = this.#items[up];
      if (!parent || !before(item, parent)) break;
      this.#place(at, parent);
      at = up;
    }
    if (item) this.#place(at, item);
  }

  #down(start: number): void {
    let at = start;
    const item = this.#items[at];
    for (;;) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const [a, b] = [this.#items[left], this.#items[right]];
      const child = b && a && before(b, a) ? b : a;
      if (!item || !child || !before(child, item)) break;
      this.#place(at, child);
      at = child === b ? right : left;
    }
    if (item) this.#place(at, item);
  }
}
