/**
 * A heap of (key, row) whose entries may be out of date: nothing is ever searched for or taken from its middle. The
 * owner looks at the top and drops it when the row's key has changed since. Smallest key first, then smallest row.
 */
export class LazyHeap {
  #keys = new Float64Array(64);
  #rows = new Int32Array(64);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Key at the top; infinite when empty. */
  get topKey(): number {
    return this.#size > 0 ? (this.#keys[0] ?? Infinity) : Infinity;
  }

  /** Row at the top; −1 when empty. */
  get topRow(): number {
    return this.#size > 0 ? (this.#rows[0] ?? -1) : -1;
  }

  push(key: number, row: number): void {
    if (this.#size === this.#keys.length) this.#growTwice();
    const [keys, rows] = [this.#keys, this.#rows];
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = keys[parent] ?? 0;
      if (above < key || (above === key && (rows[parent] ?? 0) <= row)) break;
      keys[at] = above;
      rows[at] = rows[parent] ?? 0;
      at = parent;
    }
    keys[at] = key;
    rows[at] = row;
  }

  pop(): void {
    if (this.#size === 0) return;
    const [keys, rows] = [this.#keys, this.#rows];
    const last = --this.#size;
    const key = keys[last] ?? 0;
    const row = rows[last] ?? 0;
    let at = 0;
    for (let child = 1; child < last; child = 2 * at + 1) {
      if (child + 1 < last && this.#less(child + 1, child)) child++;
      const below = keys[child] ?? 0;
      if (key < below || (key === below && row <= (rows[child] ?? 0))) break;
      keys[at] = below;
      rows[at] = rows[child] ?? 0;
      at = child;
    }
    keys[at] = key;
    rows[at] = row;
  }

  #less(a: number, b: number): boolean {
    const [ka, kb] = [this.#keys[a] ?? 0, this.#keys[b] ?? 0];
    return ka < kb || (ka === kb && (this.#rows[a] ?? 0) < (this.#rows[b] ?? 0));
  }

  #growTwice(): void {
    const keys = new Float64Array(this.#keys.length * 2);
    const rows = new Int32Array(this.#rows.length * 2);
    keys.set(this.#keys);
    rows.set(this.#rows);
    this.#keys = keys;
    this.#rows = rows;
  }
}
