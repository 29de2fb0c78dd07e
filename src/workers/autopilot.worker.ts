/** The autopilot over the simulated engine as a worker; see autopilot-api.ts. */
import { expose } from 'comlink';
import '../core/all-records.ts';
import { createAutopilotService } from './autopilot-service.ts';

/** Put in by the build; a test runner puts in nothing. */
const VERSION = typeof __APP_VERSION__ === 'undefined' ? 'unbuilt' : __APP_VERSION__;

expose(
  createAutopilotService({
    now: () => performance.now(),
    date: () => new Date().toISOString(),
    newId: () => crypto.randomUUID(),
    appVersion: VERSION,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  }),
);
