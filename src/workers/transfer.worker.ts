/** A worker that moves sequences: the browser's adapter behind the facade of transfer-api.ts. */
import { expose } from 'comlink';
import { volatileTuningMemory } from '../lab/autotune.ts';
import type { GpuPlatform } from './gpu-service.ts';
import { browserFacts } from './host-facts.ts';
import type { TransferWorkerApi } from './transfer-api.ts';
import { createTransferService } from './transfer-service.ts';

/** Put in by the build; a test runner puts in nothing. */
const VERSION = typeof __APP_VERSION__ === 'undefined' ? 'unbuilt' : __APP_VERSION__;

async function createPlatform(): Promise<GpuPlatform> {
  return {
    requestAdapter: async (powerPreference) =>
      'gpu' in navigator && navigator.gpu ? navigator.gpu.requestAdapter({ powerPreference }) : null,
    facts: await browserFacts(VERSION, navigator),
    now: () => performance.now(),
    date: () => new Date().toISOString(),
    newId: () => crypto.randomUUID(),
    tunings: volatileTuningMemory(),
    pools: { get: () => Promise.resolve(null), set: () => Promise.resolve() },
    // Nothing is measured here, and two workers that move a sequence must both work.
    alone: (task) => task(),
    command: null,
  };
}

const service = createPlatform().then(createTransferService);

const facade: TransferWorkerApi = {
  load: async (source, wish, onProgress) => (await service).load(source, wish, onProgress),
  write: async (wish, onNews) => (await service).write(wish, onNews),
  stay: async (onNews) => (await service).stay(onNews),
  send: async (pipe, live, onNews) => (await service).send(pipe, live, onNews),
  receive: async (pipe, onNews) => (await service).receive(pipe, onNews),
  goOn: async (cache, check, onNews) => (await service).goOn(cache, check, onNews),
  save: async () => (await service).save(),
  open: async (file) => (await service).open(file),
  savePrefixes: async () => (await service).savePrefixes(),
  openPrefixes: async (file, cache) => (await service).openPrefixes(file, cache),
  pause: () => void service.then((ready) => ready.pause()),
  resume: () => void service.then((ready) => ready.resume()),
  reconnect: () => void service.then((ready) => ready.reconnect()),
  cancel: () => void service.then((ready) => ready.cancel()),
};

expose(facade);
