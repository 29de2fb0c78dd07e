/**
 * Starts the autopilot's worker on the first question. It hears a stop between two looks at the cache, and is ended when
 * it hears no cancel.
 */
import { proxy } from 'comlink';
import type { AutopilotDeskApi, AutopilotWorkerApi } from './autopilot-api.ts';
import { connectionTo, type Connection } from './connection.ts';

type Remote = AutopilotWorkerApi & AutopilotDeskApi;

export interface AutopilotClient extends Remote {
  /** Ends the worker; what it was asked is answered `cancelled`. */
  reset(): void;
}

export function createAutopilotClient(): AutopilotClient {
  let connection: Connection<Remote> | null = null;
  const open = (): Connection<Remote> => (connection ??= connect(() => (connection = null)));
  return {
    run: (scenario, pace, onNews) => {
      const { remote, gone } = open();
      return Promise.race([
        remote.run(
          scenario,
          pace,
          proxy((news) => onNews(news)),
        ),
        gone,
      ]);
    },
    act: (scenario, script) => {
      const { remote, gone } = open();
      return Promise.race([remote.act(scenario, script), gone]);
    },
    score: (wish) => {
      const { remote, gone } = open();
      return Promise.race([remote.score(wish), gone]);
    },
    replay: (run) => {
      const { remote, gone } = open();
      return Promise.race([remote.replay(run), gone]);
    },
    goOn: () => void connection?.remote.goOn(),
    stop: () => void connection?.remote.stop(),
    cancel: () => void connection?.remote.cancel(),
    reset: () => connection?.end('cancelled', 'Stopped.'),
  };
}

function connect(onGone: () => void): Connection<Remote> {
  const worker = new Worker(new URL('./autopilot.worker.ts', import.meta.url), {
    type: 'module',
    name: 'kvlab-autopilot',
  });
  return connectionTo<Remote>(worker, 'The autopilot’s worker', onGone);
}
