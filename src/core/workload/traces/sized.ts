/**
 * Traces of objects with sizes: CSV lines of `time,id,size`, with or without a header, as cache research publishes them.
 *
 * Kept as columns: an id becomes the number of its first appearance. A line that is none stops the reading.
 */
import { TRACE_BOUNDS, TraceError } from './trace.ts';

export interface SizedTrace {
  /** Object of each access, numbered by first appearance. */
  readonly keys: Int32Array;
  /** Bytes of each access' object. */
  readonly sizes: Float64Array;
  readonly numObjects: number;
}

export class SizedTraceReader {
  #keyOf = new Map<string, number>();
  #keys: number[] = [];
  #sizes: number[] = [];
  #line = 0;
  #lastTime = -Infinity;

  /** One line without its end. Empty lines are passed over. @throws TraceError */
  push(text: string): void {
    this.#line++;
    const line = text.trim();
    if (line === '') return;
    const fields = line.split(',').map((field) => field.trim());
    const [time = '', id = '', size = ''] = fields;
    if (fields.length !== 3 || id === '') {
      throw new TraceError(this.#line, `it has ${fields.length} fields; time,id,size are needed.`);
    }
    if (this.#keys.length === 0 && this.#line === 1 && /^[a-z_ ]+$/i.test(size)) return;
    this.#add(Number(time || NaN), id, Number(size || NaN));
  }

  /** @throws TraceError for a file without accesses */
  finish(): SizedTrace {
    if (this.#keys.length === 0) throw new TraceError(this.#line, 'the file ends without a single access.');
    return {
      keys: Int32Array.from(this.#keys),
      sizes: Float64Array.from(this.#sizes),
      numObjects: this.#keyOf.size,
    };
  }

  #add(time: number, id: string, size: number): void {
    if (!Number.isFinite(time)) throw new TraceError(this.#line, 'the time is no number.');
    if (time < this.#lastTime) {
      throw new TraceError(
        this.#line,
        `its time ${time} lies before the line above it, ${this.#lastTime}; sort the trace by time.`,
      );
    }
    if (!Number.isSafeInteger(size) || size < 1) {
      throw new TraceError(this.#line, `the size is ${size}; a whole number of bytes from 1 on is needed.`);
    }
    if (this.#keys.length >= TRACE_BOUNDS.maxRequests) {
      throw new TraceError(this.#line, `it is beyond access ${TRACE_BOUNDS.maxRequests}; cut the trace.`);
    }
    let key = this.#keyOf.get(id);
    if (key === undefined) this.#keyOf.set(id, (key = this.#keyOf.size));
    this.#keys.push(key);
    this.#sizes.push(size);
    this.#lastTime = time;
  }
}
