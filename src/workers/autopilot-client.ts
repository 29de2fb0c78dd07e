/**
 * Starts the autopilot's worker on the first question. It hears a stop between two looks at the cache, and is ended when
 * it hears no cancel.
 */
import { proxy, wrap } from 'comlink';
import type { AutopilotDeskApi, AutopilotWorkerApi, Outcome } from './autopilot-api.ts';

type Remote = AutopilotWorkerApi & AutopilotDeskApi;

export interface AutopilotClient extends Remote {
  /** Ends the worker; what it was asked is answered `cancelled`. */
  reset(): void;
}

interface Connection {
  readonly remote: Remote;
  readonly gone: Promise<Outcome<never>>;
  readonly end: (code: string, message: string) => void;
}

export function createAutopilotClient(): AutopilotClient {
  let connection: Connection | null = null;
  const open = (): Connection => (connection ??= connect(() => (connection = null)));
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

function connect(onGone: () => void): Connection {
  const worker = new Worker(new URL('./autopilot.worker.ts', import.meta.url), {
    type: 'module',
    name: 'kvlab-autopilot',
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
    end('worker-failed', `The autopilot’s worker broke: ${why}. Reload the page.`);
  });
  return { remote: wrap<Remote>(worker), gone, end };
}
