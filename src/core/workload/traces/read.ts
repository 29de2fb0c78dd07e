/**
 * Reads a trace line by line; the format is seen from the first line that is not empty.
 *
 * Nothing but the requests is kept, so a file of any size streams through. Lines are counted from 1.
 */
import type { RateWindow } from '../rate-series.ts';
import { BlockTokens } from './block-tokens.ts';
import { csvColumns, csvRequest } from './csv.ts';
import { jsonlRequest } from './jsonl.ts';
import { hasNoHeader, MAX_WINDOWS, rateColumns, rateWindow } from './rates.ts';
import { checkedRequest, TRACE_BOUNDS, TraceError, type Trace, type TraceRequest } from './trace.ts';

export class TraceReader {
  #requests: TraceRequest[] = [];
  #windows: RateWindow[] = [];
  /** Takes a line of the format that was seen; null before the first line. */
  #take: ((text: string, line: number) => void) | null = null;
  #blockTokens = new BlockTokens();
  #line = 0;
  #origin: number | null = null;
  #lastSeconds = 0;

  /** Requests, or windows of rates, so far. */
  get size(): number {
    return this.#requests.length + this.#windows.length;
  }

  /** One line without its end. Empty lines are passed over. @throws TraceError */
  push(text: string): void {
    this.#line++;
    const line = (this.#line === 1 ? text.replace(/^\uFEFF/, '') : text).trim();
    if (line === '') return;
    if (line.length > TRACE_BOUNDS.maxLineCharacters) throw tooLong(this.#line, line.length);
    if (this.#take) this.#take(line, this.#line);
    else this.#begin(line);
  }

  /** @throws TraceError for a file without requests */
  finish(): Trace {
    if (this.size === 0) throw new TraceError(this.#line, 'the file ends without a single request.');
    if (this.#windows.length === 0)
      return { requests: this.#requests, blockTokens: this.#blockTokens.tokens };
    if (this.#windows.every(({ rate }) => rate === 0)) {
      throw new TraceError(this.#line, 'the file ends and all of its rates are 0; one above 0 is needed.');
    }
    return { requests: [], blockTokens: null, rates: this.#windows };
  }

  #begin(line: string): void {
    if (line.startsWith('{')) {
      this.#take = (text, number) => this.#addRequest(jsonlRequest(text, number));
      this.#take(line, this.#line);
      return;
    }
    const rates = rateColumns(line);
    if (rates) {
      this.#take = (text, number) => this.#addWindow(rateWindow(text, rates, number));
      if (hasNoHeader(line)) this.#take(line, this.#line);
      return;
    }
    const columns = csvColumns(line, this.#line);
    this.#take = (text, number) => this.#addRequest(csvRequest(text, columns, number));
  }

  #addRequest(request: TraceRequest): void {
    this.#refuseMoreThan(TRACE_BOUNDS.maxRequests, 'request');
    this.#origin ??= request.arrivalSeconds;
    const shifted = { ...request, arrivalSeconds: request.arrivalSeconds - this.#origin };
    this.#blockTokens.look(shifted, this.#line);
    this.#requests.push(checkedRequest(shifted, this.#lastSeconds, this.#line));
    this.#lastSeconds = shifted.arrivalSeconds;
  }

  #addWindow(window: RateWindow): void {
    this.#refuseMoreThan(MAX_WINDOWS, 'window');
    this.#origin ??= window.startSeconds;
    const startSeconds = window.startSeconds - this.#origin;
    if (this.#windows.length > 0 && startSeconds <= this.#lastSeconds) {
      throw new TraceError(
        this.#line,
        `it begins at ${startSeconds} s, not after the line above it at ${this.#lastSeconds} s; sort the rates by time.`,
      );
    }
    this.#windows.push({ ...window, startSeconds });
    this.#lastSeconds = startSeconds;
  }

  #refuseMoreThan(most: number, what: string): void {
    if (this.size >= most) throw new TraceError(this.#line, `it is beyond ${what} ${most}; cut the trace.`);
  }
}

/** The refusal of a line that is longer than any request. */
export function tooLong(line: number, characters: number): TraceError {
  return new TraceError(
    line,
    `it has ${characters} characters; ${TRACE_BOUNDS.maxLineCharacters} are the most.`,
  );
}

/** A trace that is already in memory. @throws TraceError */
export function readTrace(text: string): Trace {
  const reader = new TraceReader();
  for (const line of text.split('\n')) reader.push(line);
  return reader.finish();
}
