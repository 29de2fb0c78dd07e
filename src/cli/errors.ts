/** What the command line says when it stops: one sentence and an exit status. */

export const EXIT = { done: 0, failed: 1, badInput: 2 } as const;

/** The person's input does not work: unknown flag, unreadable file, a number out of range. Exit status 2. */
export class InputError extends Error {
  readonly code = 'bad-input';
}

/** Good input that came to nothing: no browser, no GPU, a fault while measuring, a no-go. Exit status 1. */
export class CommandError extends Error {
  readonly code: string;
  readonly data: unknown;
  constructor(code: string, sentence: string, data: unknown = null) {
    super(sentence);
    this.code = code;
    this.data = data;
  }
}

/** Fields of an error for the JSON document that stands in for the answer. */
export function describeError(error: unknown): { code: string; message: string; data: unknown } {
  if (error instanceof InputError) return { code: error.code, message: error.message, data: null };
  if (error instanceof CommandError) return { code: error.code, message: error.message, data: error.data };
  return { code: 'internal', message: error instanceof Error ? error.message : String(error), data: null };
}
