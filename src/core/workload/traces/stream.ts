/**
 * A trace from a stream of text or bytes, of a file or of anything else that comes in pieces: never held as a whole.
 *
 * A web ReadableStream and a Node stream are both AsyncIterables of pieces, which may end anywhere, inside a line or
 * inside a character.
 */
import { tooLong, TraceReader } from './read.ts';
import { TRACE_BOUNDS, type Trace } from './trace.ts';

export interface StreamProgress {
  /** Bytes, or characters of a stream of text, so far. */
  readonly read: number;
  readonly lines: number;
}

export interface StreamOptions {
  /** Called after each piece. */
  readonly onProgress?: (progress: StreamProgress) => void;
  /** Asked after each piece; true ends the reading. */
  readonly cancelled?: () => boolean;
}

/** What reads one line at a time. */
export interface LineReader<T> {
  push(line: string): void;
  finish(): T;
}

/** The pieces of a web stream. Not every browser iterates a ReadableStream itself. */
export async function* piecesOf<T>(stream: {
  getReader(): { read(): Promise<{ done: boolean; value?: T | undefined }>; cancel(): Promise<void> };
}): AsyncGenerator<T> {
  const reader = stream.getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (part.value !== undefined) yield part.value;
    }
  } finally {
    await reader.cancel();
  }
}

/**
 * Lines of a stream, handed to a reader one by one.
 * @returns null when it was cancelled
 * @throws TraceError as the reader does, and for a line without end
 */
export async function readLines<T>(
  pieces: AsyncIterable<string | ArrayBufferView>,
  reader: LineReader<T>,
  { onProgress, cancelled }: StreamOptions = {},
): Promise<T | null> {
  const decoder = new TextDecoder('utf-8');
  let [rest, lines, read] = ['', 0, 0];
  const take = (text: string): void => {
    // A line may come in thousands of pieces: it is only cut where one has an end of it.
    if (text.includes('\n')) {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      for (const line of parts) reader.push(line);
      lines += parts.length;
    } else {
      rest += text;
    }
    if (rest.length > TRACE_BOUNDS.maxLineCharacters) throw tooLong(lines + 1, rest.length);
  };
  for await (const piece of pieces) {
    take(typeof piece === 'string' ? piece : decoder.decode(piece, { stream: true }));
    read += typeof piece === 'string' ? piece.length : piece.byteLength;
    onProgress?.({ read, lines });
    if (cancelled?.()) return null;
  }
  take(decoder.decode());
  if (rest !== '') reader.push(rest);
  return reader.finish();
}

/** A trace of any format. @returns null when it was cancelled @throws TraceError */
export function readTraceStream(
  pieces: AsyncIterable<string | ArrayBufferView>,
  options?: StreamOptions,
): Promise<Trace | null> {
  return readLines(pieces, new TraceReader(), options);
}
