/** The GPU worker: the browser's adapter behind the facade of api.ts. */
import { expose } from 'comlink';
import type { GpuWorkerApi } from './api.ts';
import { deviceMemory } from './device-memory.ts';
import { createGpuService, type GpuPlatform } from './gpu-service.ts';
import { browserFacts } from './host-facts.ts';

/** Held while a worker measures, in whichever tab; the page holds a lock of its own from click to result. */
const LOCK = 'kvlab-gpu-worker';

async function alone<T>(task: () => Promise<T>, onWaiting: () => void, signal: AbortSignal): Promise<T> {
  if (!('locks' in navigator)) return task();
  const free = await navigator.locks.query().then(({ held = [] }) => held.every(({ name }) => name !== LOCK));
  if (!free) onWaiting();
  return navigator.locks.request(LOCK, { signal }, task);
}

/** Put in by the build; a test runner puts in nothing. */
const VERSION = typeof __APP_VERSION__ === 'undefined' ? 'unbuilt' : __APP_VERSION__;

async function createPlatform(): Promise<GpuPlatform> {
  const { tunings, pools } = deviceMemory();
  return {
    requestAdapter: async (powerPreference) =>
      'gpu' in navigator && navigator.gpu ? navigator.gpu.requestAdapter({ powerPreference }) : null,
    facts: await browserFacts(VERSION, navigator),
    now: () => performance.now(),
    date: () => new Date().toISOString(),
    newId: () => crypto.randomUUID(),
    tunings,
    pools,
    alone,
    command: null,
  };
}

const service = createPlatform().then(createGpuService);

const facade: GpuWorkerApi = {
  describe: async (power) => (await service).describe(power),
  check: async (power, onProgress) => (await service).check(power, onProgress),
  risk: async (scenario) => (await service).risk(scenario),
  run: async (scenario, options, onProgress) => (await service).run(scenario, options, onProgress),
  attention: async (shape) => (await service).attention(shape),
  cancel: () => void service.then((ready) => ready.cancel()),
  loseDevice: () => void service.then((ready) => ready.loseDevice()),
};

expose(facade);
