/** Reads a trace line by line; the format is seen from the first line. */
import { csvColumns, csvRequest } from './csv.ts';
import { inferBlockTokens, jsonlRequest } from './jsonl.ts';
import { checkedRequest, TRACE_BOUNDS, TraceError, type Trace, type TraceRequest } from './trace.ts';

export class TraceReader {
  #requests: TraceRequest[] = [];
  #parse: ((text: string, line: number) => TraceRequest) | null = null;
  #line = 0;
  #origin: number | null = null;
  #lastSeconds = 0;

  /** One line without its end. Empty lines are passed over. @throws TraceError */
  push(text: string): void {
    this.#line++;
    const line = text.trim();
    if (line === '') return;
    if (line.length > TRACE_BOUNDS.maxLineCharacters) {
      throw new TraceError(
        this.#line,
        `it has ${line.length} characters; ${TRACE_BOUNDS.maxLineCharacters} are the most.`,
      );
    }
    if (!this.#parse) {
      if (!line.startsWith('{')) {
        const columns = csvColumns(line);
        this.#parse = (row, number) => csvRequest(row, columns, number);
        return;
      }
      this.#parse = jsonlRequest;
    }
    this.#add(this.#parse(line, this.#line));
  }

  /** @throws TraceError for a file without requests, or with block ids of no known size */
  finish(): Trace {
    if (this.#requests.length === 0)
      throw new TraceError(this.#line, 'the file ends without a single request.');
    const blockTokens = inferBlockTokens(this.#requests);
    if (blockTokens === null && this.#requests.some(({ blockIds }) => blockIds.length > 0)) {
      throw new TraceError(
        this.#line,
        'the block ids fit no known block size; one id per 512 or 16 prompt tokens is usual.',
      );
    }
    return { requests: this.#requests, blockTokens };
  }

  #add(request: TraceRequest): void {
    if (this.#requests.length >= TRACE_BOUNDS.maxRequests) {
      throw new TraceError(this.#line, `it is beyond request ${TRACE_BOUNDS.maxRequests}; cut the trace.`);
    }
    this.#origin ??= request.arrivalSeconds;
    const shifted = { ...request, arrivalSeconds: request.arrivalSeconds - this.#origin };
    this.#requests.push(checkedRequest(shifted, this.#lastSeconds, this.#line));
    this.#lastSeconds = shifted.arrivalSeconds;
  }
}

/** A trace that is already in memory. @throws TraceError */
export function readTrace(text: string): Trace {
  const reader = new TraceReader();
  for (const line of text.split('\n')) reader.push(line);
  return reader.finish();
}
