/**
 * Reads a trace line by line; the format is seen from the first line that is not empty.
 *
 * Nothing but the requests is kept, so a file of any size streams through. Lines are counted from 1.
 */
import type { RateWindow } from '../rate-series.ts';
import { BlockTokens } from './block-tokens.ts';
import { csvColumns, csvRequest, isBurstGpt } from './csv.ts';
import { jsonlRequest } from './jsonl.ts';
import { hasNoHeader, MAX_WINDOWS, rateColumns, rateWindow } from './rates.ts';
import { checkedRequest, TRACE_BOUNDS, TraceError, type Trace, type TraceRequest } from './trace.ts';
import { isWeka, wekaConversation } from './weka.ts';

export class TraceReader {
  #requests: TraceRequest[] = [];
  #windows: RateWindow[] = [];
  /** Takes a line of the format that was seen; null before the first line. */
  #take: ((text: string, line: number) => void) | null = null;
  #blockTokens = new BlockTokens();
  #line = 0;
  #origin: number | null = null;
  #lastSeconds = 0;
  /** Requests of conversations that all begin at 0: sorted when all are there. */
  #conversations: TraceRequest[] = [];
  #numConversations = 0;
  #ids = new Map<string, number>();
  /** Entries that were left out or changed, by what they are. */
  #leftOut = 0;
  #failed = 0;

  /** Requests, or windows of rates, so far. */
  get size(): number {
    return this.#requests.length + this.#windows.length + this.#conversations.length;
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
    this.#mergeConversations();
    if (this.#windows.length === 0) {
      return {
        requests: this.#requests,
        blockTokens: this.#blockTokens.tokens,
        ...(this.#notes().length > 0 ? { notes: this.#notes() } : {}),
      };
    }
    if (this.#windows.every(({ rate }) => rate === 0)) {
      throw new TraceError(this.#line, 'the file ends and all of its rates are 0; one above 0 is needed.');
    }
    return { requests: [], blockTokens: null, rates: this.#windows };
  }

  #notes(): string[] {
    return [
      ...(this.#numConversations > 1
        ? [
            `${this.#numConversations} conversations, all of which begin at time 0, as they stand in the file.`,
          ]
        : []),
      ...(this.#leftOut > 0
        ? [`${this.#leftOut} sub-agents are left out: the file does not say from when their times count.`]
        : []),
      ...(this.#failed > 0
        ? [
            `${this.#failed} requests have no response tokens: BurstGPT counts them as failures; they are kept as sent.`,
          ]
        : []),
    ];
  }

  #begin(line: string): void {
    if (isWeka(line)) {
      this.#take = (text, number) => this.#addConversation(text, number);
      this.#take(line, this.#line);
      return;
    }
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
    const burst = isBurstGpt(line);
    this.#take = (text, number) => {
      const request = csvRequest(text, columns, number);
      if (burst && request.outputTokens === 0) this.#failed++;
      this.#addRequest(request);
    };
  }

  #addConversation(text: string, line: number): void {
    const own = this.#numConversations++;
    const { blockTokens, requests, leftOut } = wekaConversation(text, line, (id, local) => {
      const key = local ? `${own}:${id}` : String(id);
      const known = this.#ids.get(key);
      if (known !== undefined) return known;
      this.#ids.set(key, this.#ids.size);
      return this.#ids.size - 1;
    });
    this.#blockTokens.declare(blockTokens, line);
    this.#leftOut += leftOut;
    for (const request of requests) {
      this.#refuseMoreThan(TRACE_BOUNDS.maxRequests, 'request');
      checkedRequest(request, -Infinity, line);
      this.#conversations.push(request);
    }
  }

  #mergeConversations(): void {
    if (this.#conversations.length === 0) return;
    const sorted = this.#conversations.toSorted((a, b) => a.arrivalSeconds - b.arrivalSeconds);
    const origin = sorted[0]?.arrivalSeconds ?? 0;
    this.#requests = sorted.map((request) => ({
      ...request,
      arrivalSeconds: request.arrivalSeconds - origin,
    }));
    this.#conversations = [];
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
