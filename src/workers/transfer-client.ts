/** Starts a transfer worker and hands out its facade; one that breaks answers every question with an error. */
import { proxy, transfer, wrap } from 'comlink';
import type { Outcome, TransferWorkerApi } from './transfer-api.ts';

export interface TransferClient extends TransferWorkerApi {
  /** Ends the worker; what it was asked is answered `cancelled`. */
  end(): void;
}

export function createTransferClient(): TransferClient {
  const worker = new Worker(new URL('./transfer.worker.ts', import.meta.url), {
    type: 'module',
    name: 'kvlab-transfer',
  });
  const remote = wrap<TransferWorkerApi>(worker);
  let settle: (failure: Outcome<never>) => void = () => undefined;
  const gone = new Promise<Outcome<never>>((resolve) => (settle = resolve));
  const end = (code: string, message: string): void => {
    worker.terminate();
    settle({ ok: false, error: { code, message, data: null } });
  };
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    end(
      'worker-failed',
      `The transfer’s worker broke: ${event.message || 'it could not be loaded'}. Reload the page.`,
    );
  });
  const ask = <T>(answer: Promise<Outcome<T>>): Promise<Outcome<T>> => Promise.race([answer, gone]);
  const heard = <T>(listener: (news: T) => void) => proxy((news: T) => listener(news));
  return {
    load: (source, wish, onProgress) => ask(remote.load(source, wish, heard(onProgress))),
    write: (wish, onNews) => ask(remote.write(wish, heard(onNews))),
    stay: (onNews) => ask(remote.stay(heard(onNews))),
    send: (pipe, live, onNews) => ask(remote.send(transfer(pipe, [pipe]), live, heard(onNews))),
    receive: (pipe, onNews) => ask(remote.receive(transfer(pipe, [pipe]), heard(onNews))),
    goOn: (cache, check, onNews) => ask(remote.goOn(cache, check, heard(onNews))),
    save: () => ask(remote.save()),
    open: (file) => ask(remote.open(file)),
    savePrefixes: () => ask(remote.savePrefixes()),
    openPrefixes: (file, cache) => ask(remote.openPrefixes(file, cache)),
    pause: () => void remote.pause(),
    resume: () => void remote.resume(),
    reconnect: () => void remote.reconnect(),
    cancel: () => void remote.cancel(),
    end: () => end('cancelled', 'The transfer’s worker was ended.'),
  };
}
