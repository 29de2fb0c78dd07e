/**
 * Starts the GPU worker and hands out its facade, for the page and for the command line's headless browser. A worker
 * that cannot start or breaks answers every question with one error instead of never.
 */
import { proxy, wrap, type Remote } from 'comlink';
import type { GpuWorkerApi, Outcome } from './api.ts';
import type { ModelWorkerApi } from './model-api.ts';

export interface GpuClient {
  /** Starts the worker on the first call. */
  api(): Promise<GpuWorkerApi>;
  /** The model's part of the same worker. */
  model(): Promise<ModelWorkerApi>;
  /** Ends the worker without ceremony; what it was asked is answered with an error, and the next `api()` starts another. */
  reset(): void;
}

interface Connection {
  readonly api: GpuWorkerApi;
  readonly model: ModelWorkerApi;
  readonly end: () => void;
}

export function createGpuClient(): GpuClient {
  let connection: Connection | null = null;
  const connected = (): Connection => (connection ??= connect(() => (connection = null)));
  return {
    api: () => Promise.resolve(connected().api),
    model: () => Promise.resolve(connected().model),
    reset() {
      connection?.end();
      connection = null;
    },
  };
}

function connect(onBroken: () => void): Connection {
  const worker = new Worker(new URL('./gpu.worker.ts', import.meta.url), {
    type: 'module',
    name: 'kvlab-gpu',
  });
  const remote = wrap<GpuWorkerApi & { readonly model: ModelWorkerApi }>(worker);
  // A proxy of an object's object is that object's proxy; comlink's types take it for a promise of its value.
  const remoteModel = remote.model as unknown as Remote<ModelWorkerApi>;
  let giveUp: (failure: Outcome<never>) => void = () => undefined;
  const broken = new Promise<Outcome<never>>((resolve) => (giveUp = resolve));
  const fail = (code: string, message: string): void => {
    giveUp({ ok: false, error: { code, message, data: null } });
    worker.terminate();
  };
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    fail(
      'worker-failed',
      `The GPU worker broke: ${event.message || 'it could not be loaded'}. Reload the page.`,
    );
    onBroken();
  });
  const ask = <T>(answer: Promise<Outcome<T>>): Promise<Outcome<T>> => Promise.race([answer, broken]);
  const heard = <T>(listener: (news: T) => void) => proxy((news: T) => listener(news));
  return {
    api: {
      describe: (power) => ask(remote.describe(power)),
      check: (power, onProgress) => ask(remote.check(power, heard(onProgress))),
      risk: (scenario) => ask(remote.risk(scenario)),
      run: (scenario, options, onProgress) => ask(remote.run(scenario, options, heard(onProgress))),
      attention: (shape) => ask(remote.attention(shape)),
      cancel: () => void remote.cancel(),
      loseDevice: () => void remote.loseDevice(),
    },
    model: {
      load: (source, wish, onProgress) => ask(remoteModel.load(source, wish, heard(onProgress))),
      unload: () => ask(remoteModel.unload()),
      describe: () => ask(remoteModel.describe()),
      generate: (wish, onUpdate) => ask(remoteModel.generate(wish, heard(onUpdate))),
      quality: (scenario, text, onProgress) => ask(remoteModel.quality(scenario, text, heard(onProgress))),
      serve: (scenario, onProgress) => ask(remoteModel.serve(scenario, heard(onProgress))),
      tune: (scenario, resume, onProgress) => ask(remoteModel.tune(scenario, resume, heard(onProgress))),
      autopilot: (scenario, hold, onNews) => ask(remoteModel.autopilot(scenario, hold, heard(onNews))),
      goOn: () => void remoteModel.goOn(),
      stopAutopilot: () => void remoteModel.stopAutopilot(),
      cancel: () => void remoteModel.cancel(),
      loseDevice: () => void remoteModel.loseDevice(),
    },
    end: () => fail('cancelled', 'The GPU worker was ended.'),
  };
}
