/** The serving scenario under every other: sized for the model that comes with the page, on any adapter. */
import { SCENARIO_VERSION } from '../schema.ts';
import type { ServeScenario } from './schema.ts';

export const DEFAULT_SERVING: ServeScenario = {
  version: SCENARIO_VERSION,
  kind: 'serve',
  title: 'Untitled serving run',
  about: '',
  seed: 1,
  model: 'shipped',
  weights: 'f32',
  hardware: { adapter: 'high-performance' },
  engine: {
    kvFormat: 'f32',
    blockSize: 16,
    blocks: 256,
    maxSequences: 8,
    tokenBudget: 128,
    longPrefillTokens: 0,
    maxContextTokens: 0,
    prefixCaching: false,
    tier: 'auto',
    residualTokens: 32,
    offload: 'none',
    hostMegabytes: 0,
  },
  workload: {
    requests: 24,
    arrivals: { kind: 'closed', users: 4, thinkSeconds: 0 },
    promptTokens: { kind: 'uniform', min: 32, max: 128 },
    outputTokens: { kind: 'uniform', min: 16, max: 48 },
    sharing: { kind: 'none' },
    trace: null,
    highPriorityShare: 0,
  },
  backends: ['paged'],
  ttft: null,
  objectives: { ttftMs: null, tpotMs: null, e2eMs: null },
  sweep: [],
  measurement: { repeats: 3, calibrationRepeats: 3, warmupRepeats: 1 },
};
