/** A worker as its page sees it: the facade, and what every question that waits is told when the worker is gone. */
import { wrap, type Remote } from 'comlink';
import type { Outcome } from './api.ts';

export interface Connection<Api> {
  readonly remote: Remote<Api>;
  /** Settles when the worker is gone. */
  readonly gone: Promise<Outcome<never>>;
  /** Ends the worker; questions that wait get this answer. */
  end(code: string, message: string): void;
}

/**
 * @param name how a person calls it: `The simulator’s worker`
 * @param onGone told once it has ended or broken
 */
export function connectionTo<Api>(worker: Worker, name: string, onGone: () => void): Connection<Api> {
  let settle: (failure: Outcome<never>) => void = () => undefined;
  const gone = new Promise<Outcome<never>>((resolve) => (settle = resolve));
  const end = (code: string, message: string): void => {
    worker.terminate();
    settle({ ok: false, error: { code, message, data: null } });
    onGone();
  };
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    const why = event.message || 'it could not be loaded';
    // Not `worker-failed`, which stands for the GPU's worker and has words of its own.
    end('failed', `${name} broke: ${why}. Reload the page.`);
  });
  return { remote: wrap<Api>(worker), gone, end };
}
