/** Starts the worker that talks to servers on the first question; it ends with the page. */
import { proxy, wrap } from 'comlink';
import type { ConnectApi, Outcome } from './connect-api.ts';

interface Connection {
  readonly remote: ConnectApi;
  readonly gone: Promise<Outcome<never>>;
}

export function createConnectClient(): ConnectApi {
  let connection: Connection | null = null;
  const open = (): Connection => (connection ??= connect(() => (connection = null)));
  const ask = <T>(question: (remote: ConnectApi) => Promise<Outcome<T>>): Promise<Outcome<T>> => {
    const { remote, gone } = open();
    return Promise.race([question(remote), gone]);
  };
  return {
    probe: (target) => ask((remote) => remote.probe(target)),
    load: (target, scenario, trace, onNews) =>
      ask((remote) => remote.load(target, scenario, trace, proxy(onNews))),
    watch: (target, wish, onNews) => ask((remote) => remote.watch(target, wish, proxy(onNews))),
    scrape: (target) => ask((remote) => remote.scrape(target)),
    read: (text) => ask((remote) => remote.read(text)),
    act: (target, wish) => ask((remote) => remote.act(target, wish)),
    tune: (target, scenario, resume, onNews) =>
      ask((remote) => remote.tune(target, scenario, resume, proxy(onNews))),
    cancel: () => void connection?.remote.cancel(),
  };
}

function connect(onGone: () => void): Connection {
  const worker = new Worker(new URL('./connect.worker.ts', import.meta.url), {
    type: 'module',
    name: 'kvlab-connect',
  });
  let settle: (failure: Outcome<never>) => void = () => undefined;
  const gone = new Promise<Outcome<never>>((resolve) => (settle = resolve));
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    worker.terminate();
    const why = event.message || 'it could not be loaded';
    const message = `The worker that talks to servers broke: ${why}. Reload the page.`;
    settle({ ok: false, error: { code: 'failed', message, data: null } });
    onGone();
  });
  return { remote: wrap<ConnectApi>(worker), gone };
}
