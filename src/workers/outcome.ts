/** Errors across the worker's border: structured clone drops an error's class and fields, so they go as plain data. */
import type { Outcome } from './api.ts';

type Failure = Extract<Outcome<never>, { ok: false }>;

/** An error from the other side, with the code and the fields that it had there. */
export class RemoteError extends Error {
  readonly code: string;
  readonly data: unknown;
  constructor({ code, message, data }: Failure['error']) {
    super(message);
    this.name = 'RemoteError';
    this.code = code;
    this.data = data;
  }
}

/** The value. @throws RemoteError */
export function valueOf<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  throw new RemoteError(outcome.error);
}

/** The task's value, or its error as data. Never rejects. */
export async function outcomeOf<T>(task: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await task() };
  } catch (error) {
    return failureOf(error);
  }
}

export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) {
    return { ok: false, error: { code: 'failed', message: String(error), data: null } };
  }
  if (error.name === 'AbortError') {
    return { ok: false, error: { code: 'cancelled', message: 'Cancelled.', data: null } };
  }
  const { code = 'failed', name: _name, ...data } = { ...error } as Record<string, unknown>;
  const plain = Object.fromEntries(Object.entries(data).filter(([, value]) => isPlain(value)));
  return {
    ok: false,
    error: { code: typeof code === 'string' ? code : 'failed', message: error.message, data: plain },
  };
}

function isPlain(value: unknown): boolean {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}
