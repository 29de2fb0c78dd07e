/** The tuner in the simulator as a worker; see tune-api.ts. */
import { expose } from 'comlink';
import '../core/all-records.ts';
import { createTuneService } from './tune-service.ts';

/** Put in by the build; a test runner puts in nothing. */
const VERSION = typeof __APP_VERSION__ === 'undefined' ? 'unbuilt' : __APP_VERSION__;

const PAUSE_EVERY_MS = 30;
let pausedMs = -Infinity;

/** A timer's least wait would be longer than many a measurement, so most of them go without. */
function pause(): Promise<void> {
  if (performance.now() < pausedMs + PAUSE_EVERY_MS) return Promise.resolve();
  return new Promise((resolve) =>
    setTimeout(() => {
      pausedMs = performance.now();
      resolve();
    }),
  );
}

expose(
  createTuneService({
    now: () => performance.now(),
    date: () => new Date().toISOString(),
    newId: () => crypto.randomUUID(),
    appVersion: VERSION,
    pause,
  }),
);
