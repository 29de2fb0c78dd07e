/** The simulator as a worker; see sim-api.ts. */
import { expose } from 'comlink';
import '../core/all-records.ts';
import { openRunStore, type RunStore } from '../store/runs.ts';
import { createSimService } from './sim-service.ts';

/** Put in by the build; a test runner puts in nothing. */
const VERSION = typeof __APP_VERSION__ === 'undefined' ? 'unbuilt' : __APP_VERSION__;

let store: Promise<RunStore> | null = null;

expose(
  createSimService({
    now: () => performance.now(),
    date: () => new Date().toISOString(),
    newId: () => crypto.randomUUID(),
    appVersion: VERSION,
    keep: async (run) => (await (store ??= openRunStore())).put(run),
  }),
);
