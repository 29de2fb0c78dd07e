/**
 * The requests of a run as columns: a million of them are a few flat arrays. A request is its row's number.
 *
 * What is known before the run stands here and is never written by it; what happens to a request is in
 * sequences.ts (state) and in the metrics (times).
 */

export interface RequestTable {
  readonly size: number;
  /**
   * Milliseconds. With `after` −1: arrival from the start of the run, rising with the row. Otherwise the pause after
   * that request's end.
   */
  readonly arrivalMs: Float64Array;
  /** Row of the request that must end before this one is sent (a session's turn, a closed loop); −1: none. */
  readonly after: Int32Array;
  readonly promptTokens: Int32Array;
  /** Tokens that it will generate. The scheduler learns it as it ends; only an executor may look ahead. */
  readonly outputTokens: Int32Array;
  /** Higher goes first under `priority`. */
  readonly priority: Uint8Array;
  /** Row r's leading block ids are `blockIds[blockStart[r] … blockStart[r + 1])`. */
  readonly blockStart: Int32Array;
  /**
   * What full blocks of prompt + output hold, from the first on, as far as it is known: equal ids mean equal text up to
   * the block's end (a chained hash). Empty for text that nobody shares.
   */
  readonly blockIds: Int32Array;
}

export interface RequestRow {
  readonly arrivalMs: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly after?: number;
  readonly priority?: number;
  readonly blockIds?: readonly number[];
}

/** A table from rows, for small workloads and tests. */
export function requestTable(rows: readonly RequestRow[]): RequestTable {
  const blockStart = new Int32Array(rows.length + 1);
  rows.forEach(({ blockIds }, row) => {
    blockStart[row + 1] = (blockStart[row] ?? 0) + (blockIds?.length ?? 0);
  });
  return {
    size: rows.length,
    arrivalMs: Float64Array.from(rows, ({ arrivalMs }) => arrivalMs),
    after: Int32Array.from(rows, ({ after }) => after ?? -1),
    promptTokens: Int32Array.from(rows, ({ promptTokens }) => promptTokens),
    outputTokens: Int32Array.from(rows, ({ outputTokens }) => outputTokens),
    priority: Uint8Array.from(rows, ({ priority }) => priority ?? 0),
    blockStart,
    blockIds: Int32Array.from(rows.flatMap(({ blockIds }) => blockIds ?? [])),
  };
}
