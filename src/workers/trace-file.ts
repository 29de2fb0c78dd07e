/** A trace from a file, line by line as it streams in: a gigabyte is never one string. */
import { infinitePrefixReuse } from '../core/workload/traces/reuse.ts';
import { tooLong, TraceReader } from '../core/workload/traces/read.ts';
import { TRACE_BOUNDS, type Trace } from '../core/workload/traces/trace.ts';
import type { TraceFacts } from './sim-api.ts';

/** The part of a File that is read. */
export interface StreamsText {
  readonly name: string;
  readonly size: number;
  stream(): ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** @throws TraceError with the number of the bad line and its reason */
export async function readTraceFile(
  file: StreamsText,
  onFraction: (fraction: number) => void,
): Promise<Trace> {
  const reader = new TraceReader();
  const decoder = new TextDecoder();
  const stream = file.stream().getReader();
  let [rest, bytes] = ['', 0];
  for (let part = await stream.read(); !part.done; part = await stream.read()) {
    bytes += part.value.length;
    const text = decoder.decode(part.value, { stream: true });
    // A line may be longer than many pieces: it is only cut where one has an end of it.
    if (text.includes('\n')) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) reader.push(line);
    } else {
      rest += text;
      if (rest.length > TRACE_BOUNDS.maxLineCharacters) throw tooLong(reader.size + 1, rest.length);
    }
    onFraction(file.size > 0 ? bytes / file.size : 1);
  }
  const last = rest + decoder.decode();
  if (last !== '') reader.push(last);
  return reader.finish();
}

export function factsOf(name: string, trace: Trace): TraceFacts {
  const { requests, blockTokens, notes = [] } = trace;
  const count = Math.max(1, requests.length);
  let [prompt, output] = [0, 0];
  for (const { promptTokens, outputTokens } of requests) {
    prompt += promptTokens;
    output += outputTokens;
  }
  return {
    name,
    requests: requests.length,
    seconds: requests.at(-1)?.arrivalSeconds ?? 0,
    meanPromptTokens: prompt / count,
    meanOutputTokens: output / count,
    blockTokens,
    reusable: blockTokens === null ? null : infinitePrefixReuse(requests).hitRatio,
    ...(notes.length > 0 ? { notes } : {}),
  };
}

/** The last trace that was read, so that a second question about it does not read it again. */
export class TraceCache {
  #key = '';
  #trace: Trace | null = null;

  async read(file: File, onFraction: (fraction: number) => void = () => undefined): Promise<Trace> {
    const key = `${file.name}|${file.size}|${file.lastModified}`;
    if (this.#trace !== null && key === this.#key) return this.#trace;
    this.#trace = null;
    const trace = await readTraceFile(file, onFraction);
    this.#key = key;
    this.#trace = trace;
    return trace;
  }
}
