/**
 * Starts the tuner's worker on the first question. It is asked to stop, and ended when it does not answer: one measurement
 * in the simulator is one calculation that hears nothing.
 */
import { proxy, wrap } from 'comlink';
import type { Outcome, TuneTextsApi, TuneWorkerApi } from './tune-api.ts';

export interface TuneClient extends TuneWorkerApi, TuneTextsApi {
  /** Ends the worker; what it was asked is answered `cancelled`. */
  reset(): void;
}

interface Connection {
  readonly remote: TuneWorkerApi & TuneTextsApi;
  readonly gone: Promise<Outcome<never>>;
  readonly end: (code: string, message: string) => void;
}

export function createTuneClient(): TuneClient {
  let connection: Connection | null = null;
  const open = (): Connection => (connection ??= connect(() => (connection = null)));
  return {
    run: (scenario, resume, onNews) => {
      const { remote, gone } = open();
      return Promise.race([
        remote.run(
          scenario,
          resume,
          proxy((news) => onNews(news)),
        ),
        gone,
      ]);
    },
    texts: (run) => {
      const { remote, gone } = open();
      return Promise.race([remote.texts(run), gone]);
    },
    report: (run, kind) => {
      const { remote, gone } = open();
      return Promise.race([remote.report(run, kind), gone]);
    },
    cancel: () => void connection?.remote.cancel(),
    reset: () => connection?.end('cancelled', 'Cancelled.'),
  };
}

function connect(onGone: () => void): Connection {
  const worker = new Worker(new URL('./tune.worker.ts', import.meta.url), {
    type: 'module',
    name: 'kvlab-tune',
  });
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
    end('failed', `The tuner’s worker broke: ${why}. Reload the page.`);
  });
  return { remote: wrap<TuneWorkerApi & TuneTextsApi>(worker), gone, end };
}
