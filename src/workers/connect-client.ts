/** Starts the worker that talks to servers on the first question; it ends with the page. */
import { proxy } from 'comlink';
import type { ConnectApi, Outcome } from './connect-api.ts';
import { connectionTo, type Connection } from './connection.ts';

export function createConnectClient(): ConnectApi {
  let connection: Connection<ConnectApi> | null = null;
  const open = (): Connection<ConnectApi> => (connection ??= connect(() => (connection = null)));
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

function connect(onGone: () => void): Connection<ConnectApi> {
  const worker = new Worker(new URL('./connect.worker.ts', import.meta.url), {
    type: 'module',
    name: 'kvlab-connect',
  });
  return connectionTo<ConnectApi>(worker, 'The worker that talks to servers', onGone);
}
