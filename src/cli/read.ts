/** Reads files that a command names, a line at a time, so that a trace may be larger than the longest string. */
import { closeSync, openSync, readSync } from 'node:fs';
import { InputError } from './errors.ts';

const CHUNK_BYTES = 1 << 20;

/**
 * Calls `use` with every line, without its end.
 * @param what for the sentence: "a trace", "an access log"
 * @throws InputError when the file cannot be read
 */
export function eachLine(path: string, what: string, use: (line: string) => void): void {
  const file = opened(path, what);
  try {
    const decoder = new TextDecoder();
    const chunk = new Uint8Array(CHUNK_BYTES);
    let rest = '';
    for (;;) {
      const bytes = readChunk(file, chunk, path, what);
      const text = decoder.decode(chunk.subarray(0, bytes), { stream: bytes > 0 });
      // A line may be longer than many chunks: it is only cut where one has an end of it.
      if (bytes > 0 && !text.includes('\n')) {
        rest += text;
        continue;
      }
      const lines = (rest + text).split('\n');
      rest = bytes > 0 ? (lines.pop() ?? '') : '';
      for (const line of lines) use(line);
      if (bytes === 0) return;
    }
  } finally {
    closeSync(file);
  }
}

function opened(path: string, what: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw unreadable(path, what, error);
  }
}

function readChunk(file: number, chunk: Uint8Array, path: string, what: string): number {
  try {
    return readSync(file, chunk);
  } catch (error) {
    throw unreadable(path, what, error);
  }
}

function unreadable(path: string, what: string, error: unknown): InputError {
  const code =
    typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown';
  return new InputError(`${path} can't be read (${code}); name ${what} that can be.`);
}
