/**
 * A table of numbers over nested axes, read by straight lines on each axis.
 *
 * The points need not fill a box: below each value of an axis stands a table of its own. Straight lines and not
 * logarithms, although profilers sweep their axes by doubling: kernels are linear in tokens and contexts (predicting a
 * point from its neighbours errs by 2.3–3.7 % with lines, 11.6–14.4 % with logarithms: casys-kaist/LLMServingSim PR 60).
 *
 * Between points: interpolated. Beyond the last and before the first: the line through the two nearest goes on.
 */

/** How the last reads came about; `read` clears nothing, so that several reads add up to one answer. */
export interface Reach {
  /** Every coordinate was a measured one so far. */
  exact: boolean;
  /** A coordinate lay outside of the measured ones. */
  outside: boolean;
}

export class TableAxis {
  /** Rising. */
  readonly #at: Float64Array;
  /** Values of the last axis; empty on the others. */
  readonly #values: Float64Array;
  /** One table a value; empty on the last axis. */
  readonly #below: readonly TableAxis[];

  constructor(at: Float64Array, values: Float64Array, below: readonly TableAxis[]) {
    this.#at = at;
    this.#values = values;
    this.#below = below;
  }

  get last(): number {
    return this.#at[this.#at.length - 1] ?? 0;
  }

  /**
   * @param query one coordinate an axis, this one's at `depth`
   * @param reach is told where the answer comes from
   */
  read(query: Float64Array, depth: number, reach: Reach): number {
    const at = this.#at;
    // An axis with one point is no axis: nothing was varied there.
    if (at.length === 1) return this.#point(0, query, depth, reach);
    const x = query[depth] ?? 0;
    const i = this.#segment(x);
    const x0 = at[i] ?? 0;
    const x1 = at[i + 1] ?? 0;
    if (x === x0) return this.#point(i, query, depth, reach);
    if (x === x1) return this.#point(i + 1, query, depth, reach);
    reach.exact = false;
    if (x < x0 || x > x1) reach.outside = true;
    const y0 = this.#point(i, query, depth, reach);
    const y1 = this.#point(i + 1, query, depth, reach);
    return y0 + ((y1 - y0) * (x - x0)) / (x1 - x0);
  }

  #point(i: number, query: Float64Array, depth: number, reach: Reach): number {
    const below = this.#below[i];
    return below ? below.read(query, depth + 1, reach) : (this.#values[i] ?? 0);
  }

  /** Index of the largest point that is not above x, such that another one follows. */
  #segment(x: number): number {
    let low = 0;
    let high = this.#at.length - 2;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#at[middle] ?? 0) <= x) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/**
 * Nests rows by their columns, first column outermost. Of rows with equal coordinates the last one counts.
 * @param rows coordinates and, last, the value; all of one length of at least 2
 */
export function nestRows(rows: readonly (readonly number[])[], depth = 0): TableAxis {
  const groups = new Map<number, (readonly number[])[]>();
  for (const row of rows) {
    const key = row[depth] ?? 0;
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  const at = Float64Array.from(groups.keys()).sort();
  const ordered = Array.from(at, (key) => groups.get(key) ?? []);
  const isLast = depth === (rows[0]?.length ?? 2) - 2;
  return new TableAxis(
    at,
    isLast ? Float64Array.from(ordered, (group) => group.at(-1)?.[depth + 1] ?? 0) : new Float64Array(0),
    isLast ? [] : ordered.map((group) => nestRows(group, depth + 1)),
  );
}
