/** Typed arrays that grow by doubling up to a stated bound: what a recorder writes to. */

type Column = Uint8Array | Uint16Array | Int32Array | Float64Array;
type Make<T extends Column> = (length: number) => T;

const FIRST_CAPACITY = 1024;

/** One column; several columns of the same length share a row count that their owner keeps. */
export class GrowingColumn<T extends Column> {
  readonly #make: Make<T>;
  #values: T;

  constructor(make: Make<T>) {
    this.#make = make;
    this.#values = make(FIRST_CAPACITY);
  }

  set(row: number, value: number): void {
    if (row >= this.#values.length) this.#grow(row + 1);
    this.#values[row] = value;
  }

  at(row: number): number {
    return this.#values[row] ?? 0;
  }

  /** A copy of the first `rows` values, with a buffer of its own that can be handed to another thread. */
  cut(rows: number): T {
    const out = this.#make(rows);
    out.set(this.#values.subarray(0, rows));
    return out;
  }

  #grow(rows: number): void {
    const grown = this.#make(Math.max(rows, this.#values.length * 2));
    grown.set(this.#values);
    this.#values = grown;
  }
}

export const bytes = () => new GrowingColumn((length) => new Uint8Array(length));
export const ints = () => new GrowingColumn((length) => new Int32Array(length));
export const doubles = () => new GrowingColumn((length) => new Float64Array(length));
