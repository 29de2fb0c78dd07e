/**
 * The requests of an engine as the scheduler's columns, filled while it runs: a row for each, in order of submission.
 *
 * Boundary: what is known of a request when it comes. What happens to it is in sequence-state.ts.
 */
import type { RequestTable } from '../core/schedule/requests.ts';
import { TextIds } from './text-ids.ts';

export class EngineRequests implements RequestTable {
  /** Rows that it can hold; the scheduler's arrays are as long. */
  readonly size: number;
  readonly arrivalMs: Float64Array;
  readonly after: Int32Array;
  readonly promptTokens: Int32Array;
  readonly outputTokens: Int32Array;
  readonly priority: Uint8Array;
  readonly blockStart: Int32Array;
  #blockIds = new Int32Array(1024);
  #count = 0;
  #texts: TextIds | null;

  /** @param texts cuts prompts into blocks that can be shared; null: nothing is shared */
  constructor(capacity: number, texts: TextIds | null) {
    this.size = capacity;
    this.arrivalMs = new Float64Array(capacity);
    this.after = new Int32Array(capacity).fill(-1);
    this.promptTokens = new Int32Array(capacity);
    this.outputTokens = new Int32Array(capacity);
    this.priority = new Uint8Array(capacity);
    this.blockStart = new Int32Array(capacity + 1);
    this.#texts = texts;
  }

  get blockIds(): Int32Array {
    return this.#blockIds;
  }

  /** What the ids of blocks stand for; null where nothing is shared. */
  get texts(): TextIds | null {
    return this.#texts;
  }

  /** Requests so far: the next one's row. */
  get count(): number {
    return this.#count;
  }

  /** @throws RangeError when all rows are taken. */
  add(promptIds: readonly number[], maxTokens: number, nowMs: number): number {
    const row = this.#count;
    if (row >= this.size) {
      throw new RangeError(`The engine has taken ${this.size} requests; reset it before the next one.`);
    }
    this.#count++;
    this.arrivalMs[row] = nowMs;
    this.promptTokens[row] = promptIds.length;
    this.outputTokens[row] = maxTokens;
    const from = this.blockStart[row] ?? 0;
    const ids = this.#texts?.blocksOf(promptIds) ?? [];
    this.#reserve(from + ids.length);
    this.#blockIds.set(ids, from);
    this.blockStart[row + 1] = from + ids.length;
    return row;
  }

  #reserve(length: number): void {
    if (length <= this.#blockIds.length) return;
    const larger = new Int32Array(Math.max(length, 2 * this.#blockIds.length));
    larger.set(this.#blockIds);
    this.#blockIds = larger;
  }
}
