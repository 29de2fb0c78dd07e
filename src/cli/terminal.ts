/** The two streams: answers on standard output, everything else on standard error. */
import type { Progress } from '../lab/index.ts';

export interface Terminal {
  /** The answer. Once a command, and with --json the only thing on standard output. */
  answer(text: string): void;
  /** A sentence for the person. */
  say(text: string): void;
  /** A sentence with --verbose only. */
  detail(text: string): void;
  progress(progress: Progress): void;
}

export interface Streams {
  readonly out: { write(text: string): unknown };
  readonly err: { write(text: string): unknown; readonly isTTY?: boolean };
}

const PROGRESS_EVERY_MS = 2000;

export function createTerminal({ out, err }: Streams, verbose: boolean): Terminal {
  let shownAt = -Infinity;
  let shown = '';
  let open = false;
  /** Ends a progress line that is being rewritten in place. */
  const close = () => {
    if (open) err.write('\n');
    open = false;
  };
  return {
    answer: (text) => {
      close();
      out.write(text);
    },
    say: (text) => {
      close();
      err.write(`${text}\n`);
    },
    detail: (text) => {
      if (!verbose) return;
      close();
      err.write(`${text}\n`);
    },
    progress: ({ fraction, message }) => {
      const text =
        fraction === null ? message : `${String(Math.floor(fraction * 100)).padStart(3)} % ${message}`;
      const now = performance.now();
      const isNew = text !== shown;
      // A log file gets a line now and then, a terminal one line that is rewritten.
      if (!isNew || (!err.isTTY && !verbose && now - shownAt < PROGRESS_EVERY_MS)) return;
      shown = text;
      shownAt = now;
      if (err.isTTY) err.write(`\r\u001b[2K${text.slice(0, 110)}`);
      else err.write(`${text}\n`);
      open = err.isTTY === true;
    },
  };
}
