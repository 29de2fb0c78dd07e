/** The tuning under every other: a conversation on one model of eight billion parameters, in the simulator. */
import { SCENARIO_VERSION } from '../schema.ts';
import type { TuneScenario } from './schema.ts';

export const DEFAULT_TUNING: TuneScenario = {
  version: SCENARIO_VERSION,
  kind: 'tune',
  title: 'Untitled tuning',
  about: '',
  seed: 1,
  executor: 'simulator',
  models: null,
  hardware: { gpu: 'h100-sxm', tensorParallel: 1, memoryUtilization: 0.9, adapter: 'high-performance' },
  profile: { name: 'chat-agent', contexts: null, outputs: null, weights: null },
  load: { users: null, requests: null, spread: 0.25, shared: null },
  baseline: {},
  space: null,
  budget: { repeats: 3, share: 0.25, eta: 3, seconds: null, measurementSeconds: null, memoryGB: null },
};
