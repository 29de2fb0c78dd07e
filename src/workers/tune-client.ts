/**
 * Starts the tuner's worker on the first question. It is asked to stop, and ended when it does not answer: one measurement
 * in the simulator is one calculation that hears nothing.
 */
import { proxy } from 'comlink';
import type { TuneTextsApi, TuneWorkerApi } from './tune-api.ts';
import { connectionTo, type Connection } from './connection.ts';

export interface TuneClient extends TuneWorkerApi, TuneTextsApi {
  /** Ends the worker; what it was asked is answered `cancelled`. */
  reset(): void;
}

export function createTuneClient(): TuneClient {
  let connection: Connection<TuneWorkerApi & TuneTextsApi> | null = null;
  const open = (): Connection<TuneWorkerApi & TuneTextsApi> =>
    (connection ??= connect(() => (connection = null)));
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

function connect(onGone: () => void): Connection<TuneWorkerApi & TuneTextsApi> {
  const worker = new Worker(new URL('./tune.worker.ts', import.meta.url), {
    type: 'module',
    name: 'kvlab-tune',
  });
  return connectionTo<TuneWorkerApi & TuneTextsApi>(worker, 'The tuner’s worker', onGone);
}
