/** Loads, probes and watches of servers as a worker; see connect-api.ts. */
import { expose } from 'comlink';
import { createConnectService } from './connect-service.ts';
import { browserFacts } from './host-facts.ts';

/** Put in by the build; a test runner puts in nothing. */
const VERSION = typeof __APP_VERSION__ === 'undefined' ? 'unbuilt' : __APP_VERSION__;

/** Whether the browser guards addresses of the local network, and what this page was told; null: it does not say. */
async function localAccess(): Promise<PermissionState | null> {
  let known: PermissionState | null = null;
  for (const name of ['local-network-access', 'local-network', 'loopback-network']) {
    try {
      // Younger than the list of names that the types know.
      const { state } = await navigator.permissions.query({ name: name as PermissionName });
      if (state !== 'granted') return state;
      known = state;
    } catch {
      // A name that this browser does not know.
    }
  }
  return known;
}

expose(
  createConnectService({
    origin: self.location.origin,
    fetch: self.fetch.bind(self),
    now: () => performance.now(),
    date: () => new Date().toISOString(),
    newId: () => crypto.randomUUID(),
    appVersion: VERSION,
    client: async () => (await browserFacts(VERSION, navigator)).runtime,
    localAccess,
  }),
);
