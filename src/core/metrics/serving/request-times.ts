/** What happened to each request of a run, as columns: a million requests take 34 MB. NaN: it did not happen. */
import type { RequestTable } from '../../schedule/requests.ts';

export class RequestTimes {
  readonly table: RequestTable;
  readonly arrivalMs: Float64Array;
  /** First scheduled. */
  readonly startMs: Float64Array;
  readonly firstTokenMs: Float64Array;
  readonly endMs: Float64Array;
  /** Prompt tokens found in the cache at the first admission. */
  readonly cachedTokens: Int32Array;
  readonly preemptions: Uint16Array;
  readonly replica: Uint16Array;

  constructor(table: RequestTable) {
    const { size } = table;
    this.table = table;
    this.arrivalMs = new Float64Array(size).fill(NaN);
    this.startMs = new Float64Array(size).fill(NaN);
    this.firstTokenMs = new Float64Array(size).fill(NaN);
    this.endMs = new Float64Array(size).fill(NaN);
    this.cachedTokens = new Int32Array(size);
    this.preemptions = new Uint16Array(size);
    this.replica = new Uint16Array(size);
  }

  /** Tokens that a finished request generated. */
  outputs(row: number): number {
    return Math.max(1, this.table.outputTokens[row] ?? 1);
  }

  isFinished(row: number): boolean {
    return !Number.isNaN(this.endMs[row] ?? NaN);
  }
}
