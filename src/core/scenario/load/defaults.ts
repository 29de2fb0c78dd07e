/** The load under every other: small enough for a model on one laptop's processor. */
import { SCENARIO_VERSION } from '../schema.ts';
import type { LoadScenario } from './schema.ts';

export const DEFAULT_LOAD: LoadScenario = {
  version: SCENARIO_VERSION,
  kind: 'load',
  title: 'Untitled load',
  about: '',
  seed: 1,
  model: '',
  api: 'completions',
  workload: {
    requests: 32,
    arrivals: { kind: 'closed', users: 8, thinkSeconds: 0 },
    promptTokens: { kind: 'uniform', min: 32, max: 128 },
    outputTokens: { kind: 'uniform', min: 16, max: 48 },
    sharing: { kind: 'none' },
    trace: null,
    highPriorityShare: 0,
  },
  prompts: { as: 'text', vocabulary: null, blockTokens: 16 },
  sampling: { temperature: 0, ignoreEos: true },
  client: { timeoutSeconds: 600, retries: 0, retrySeconds: 1, maxInFlight: 1024, reuseConnections: false },
  resetCache: true,
  telemetrySeconds: 1,
  server: { maxSequences: null, kvTokens: null, tokenBudget: 2048, prefixCache: true },
  objectives: { ttftMs: null, tpotMs: null, e2eMs: null },
  sweep: null,
  measurement: { repeats: 1, calibrationRepeats: 1, warmupRequests: 2 },
};
