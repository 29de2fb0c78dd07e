/** A doubly linked list of rows in flat arrays: any row can be taken out at once, and lists of one arena share arrays. */

const NONE = -1;

/** The links of all rows; a row is in at most one list of an arena at a time. */
export interface RowArena {
  readonly next: Int32Array;
  readonly previous: Int32Array;
}

export function rowArena(rows: number): RowArena {
  return { next: new Int32Array(rows).fill(NONE), previous: new Int32Array(rows).fill(NONE) };
}

export class RowList {
  #next: Int32Array;
  #previous: Int32Array;
  #head = NONE;
  #tail = NONE;
  #size = 0;

  constructor({ next, previous }: RowArena) {
    this.#next = next;
    this.#previous = previous;
  }

  get size(): number {
    return this.#size;
  }

  /** First row, or −1. */
  get head(): number {
    return this.#head;
  }

  /** Last row, or −1. */
  get tail(): number {
    return this.#tail;
  }

  /** The row behind, or −1. */
  after(row: number): number {
    return this.#next[row] ?? NONE;
  }

  append(row: number): void {
    this.#next[row] = NONE;
    this.#previous[row] = this.#tail;
    if (this.#tail === NONE) this.#head = row;
    else this.#next[this.#tail] = row;
    this.#tail = row;
    this.#size++;
  }

  prepend(row: number): void {
    this.#previous[row] = NONE;
    this.#next[row] = this.#head;
    if (this.#head === NONE) this.#tail = row;
    else this.#previous[this.#head] = row;
    this.#head = row;
    this.#size++;
  }

  /** Takes out a row that is in this list. */
  remove(row: number): void {
    const next = this.#next[row] ?? NONE;
    const previous = this.#previous[row] ?? NONE;
    if (previous === NONE) this.#head = next;
    else this.#next[previous] = next;
    if (next === NONE) this.#tail = previous;
    else this.#previous[next] = previous;
    this.#size--;
  }

  rows(): number[] {
    const rows: number[] = [];
    for (let row = this.#head; row !== NONE; row = this.after(row)) rows.push(row);
    return rows;
  }
}
