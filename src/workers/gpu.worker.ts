/** The GPU worker: the browser's adapter behind the facades of api.ts and model-api.ts. */
import { expose } from 'comlink';
import type { GpuWorkerApi } from './api.ts';
import { deviceMemory } from './device-memory.ts';
import { createGpuService, type GpuPlatform } from './gpu-service.ts';
import { browserFacts } from './host-facts.ts';
import type { ModelWorkerApi } from './model-api.ts';
import { createModelService } from './model-service.ts';
import { Turn } from './turn.ts';

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

const services = createPlatform().then((platform) => {
  const turn = new Turn(platform);
  return { gpu: createGpuService(platform, turn), model: createModelService(platform, turn) };
});
const gpu = services.then((ready) => ready.gpu);
const model = services.then((ready) => ready.model);

const modelFacade: ModelWorkerApi = {
  load: async (source, wish, onProgress) => (await model).load(source, wish, onProgress),
  unload: async () => (await model).unload(),
  describe: async () => (await model).describe(),
  generate: async (wish, onUpdate) => (await model).generate(wish, onUpdate),
  quality: async (scenario, text, onProgress) => (await model).quality(scenario, text, onProgress),
  serve: async (scenario, onProgress) => (await model).serve(scenario, onProgress),
  tune: async (scenario, resume, onProgress) => (await model).tune(scenario, resume, onProgress),
  autopilot: async (scenario, hold, onNews) => (await model).autopilot(scenario, hold, onNews),
  goOn: () => void model.then((ready) => ready.goOn()),
  stopAutopilot: () => void model.then((ready) => ready.stopAutopilot()),
  cancel: () => void model.then((ready) => ready.cancel()),
  loseDevice: () => void model.then((ready) => ready.loseDevice()),
};

const facade: GpuWorkerApi & { readonly model: ModelWorkerApi } = {
  describe: async (power) => (await gpu).describe(power),
  check: async (power, onProgress) => (await gpu).check(power, onProgress),
  risk: async (scenario) => (await gpu).risk(scenario),
  run: async (scenario, options, onProgress) => (await gpu).run(scenario, options, onProgress),
  attention: async (shape) => (await gpu).attention(shape),
  cancel: () => void gpu.then((ready) => ready.cancel()),
  loseDevice: () => void gpu.then((ready) => ready.loseDevice()),
  model: modelFacade,
};

expose(facade);
