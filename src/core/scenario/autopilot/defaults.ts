/** The autopilot under every other: a rising load on a small pool of the simulated engine. */
import { SCENARIO_VERSION } from '../schema.ts';
import { DEFAULT_SERVING } from '../serve/defaults.ts';
import { DEFAULT_SIMULATION } from '../simulate/defaults.ts';
import { DEFAULT_POLICY } from './policy.ts';
import type { AutopilotScenario } from './schema.ts';

export const DEFAULT_AUTOPILOT: AutopilotScenario = {
  version: SCENARIO_VERSION,
  kind: 'autopilot',
  title: 'Untitled autopilot',
  about: '',
  seed: 1,
  backend: 'simulator',
  simulation: DEFAULT_SIMULATION,
  serving: DEFAULT_SERVING,
  policy: DEFAULT_POLICY,
  controlMs: 500,
  compare: true,
  dryRun: false,
  simulatedLoss: null,
};
