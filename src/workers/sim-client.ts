/**
 * Starts the simulator's worker on the first question. Cancelling ends the worker at once, whatever it is in the middle
 * of: its open questions are answered `cancelled`, and the next question starts another.
 */
import { proxy } from 'comlink';
import type { OnSimProgress, Outcome, SimWorkerApi } from './sim-api.ts';
import { connectionTo, type Connection } from './connection.ts';

export interface SimClient {
  readonly api: SimWorkerApi;
  cancel(): void;
}

export function createSimClient(): SimClient {
  let connection: Connection<SimWorkerApi> | null = null;
  const open = (): Connection<SimWorkerApi> => (connection ??= connect(() => (connection = null)));
  const ask = <T>(question: (remote: SimWorkerApi) => Promise<Outcome<T>>): Promise<Outcome<T>> => {
    const { remote, gone } = open();
    return Promise.race([question(remote), gone]);
  };
  return {
    api: {
      readTrace: (file, onProgress) => ask((remote) => remote.readTrace(file, heard(onProgress))),
      run: (scenario, inputs, onProgress) => ask((remote) => remote.run(scenario, inputs, heard(onProgress))),
      record: (scenario, inputs, wish, onProgress) =>
        ask((remote) => remote.record(scenario, inputs, wish, heard(onProgress))),
      accesses: (scenario, inputs, wish, onProgress) =>
        ask((remote) => remote.accesses(scenario, inputs, wish, heard(onProgress))),
      missRatio: (scenario, inputs, onProgress) =>
        ask((remote) => remote.missRatio(scenario, inputs, heard(onProgress))),
      compare: (a, b, inputs, onProgress) => ask((remote) => remote.compare(a, b, inputs, heard(onProgress))),
      saturation: (scenario, inputs, onProgress) =>
        ask((remote) => remote.saturation(scenario, inputs, heard(onProgress))),
      advise: (run, point, inputs, onProgress) =>
        ask((remote) => remote.advise(run, point, inputs, heard(onProgress))),
      replay: (files, onProgress) => ask((remote) => remote.replay(files, heard(onProgress))),
    },
    cancel: () => connection?.end('cancelled', 'Cancelled.'),
  };
}

function heard(onProgress: OnSimProgress): OnSimProgress {
  return proxy((progress) => onProgress(progress));
}

function connect(onGone: () => void): Connection<SimWorkerApi> {
  const worker = new Worker(new URL('./sim.worker.ts', import.meta.url), {
    type: 'module',
    name: 'kvlab-sim',
  });
  return connectionTo<SimWorkerApi>(worker, 'The simulator’s worker', onGone);
}
