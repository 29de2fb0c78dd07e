/**
 * What goes wrong between a model's files and its weights on the GPU, said in one clear sentence each.
 *
 * Boundary: every reader, loader and architecture of the engine throws this class and no other; callers tell faults apart
 * by `code`, and may show the message as it is.
 */

export const MODEL_FAULTS = [
  /** A file is damaged: cut off, or its header contradicts itself. */
  'corrupt',
  /** A file, or a tensor of it, that the model needs is not there. */
  'missing',
  /** A tensor has another shape than the configuration says. */
  'shape',
  /** A weight is NaN, infinite, or beyond its format's range. */
  'values',
  /** A kind of model, tensor or file that this engine does not run. */
  'unsupported',
  /** More bytes than the budget, a buffer's limit or the device allows. */
  'too-large',
  /** No answer from the server, or the connection broke more often than it is worth trying. */
  'network',
  /** The server answered, and refused. */
  'http',
  'cancelled',
  'device-lost',
] as const;
export type ModelFault = (typeof MODEL_FAULTS)[number];

/** Numbers and names behind the sentence, for tables and tests. */
export type FaultData = Readonly<Record<string, string | number>>;

export class ModelError extends Error {
  readonly code: ModelFault;
  readonly data: FaultData;
  constructor(code: ModelFault, sentence: string, data: FaultData = {}) {
    super(sentence);
    this.name = 'ModelError';
    this.code = code;
    this.data = data;
  }
}

/** @throws ModelError `cancelled` once the signal has fired. */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new ModelError('cancelled', 'Loading the model was cancelled.');
}

/** A text from a file, short and on one line, fit to stand in a sentence. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
