/** Small engines with one thing wrong each, and one with nothing wrong, for tests of the advisor. */
import type { Run } from '../../src/core/run/schema.ts';
import { DEFAULT_SIMULATION } from '../../src/core/scenario/simulate/defaults.ts';
import type { SimScenario } from '../../src/core/scenario/simulate/schema.ts';
import { runSimulation } from '../../src/sim/run.ts';

type Changes = {
  readonly [K in 'hardware' | 'engine' | 'cluster' | 'workload']?: Partial<SimScenario[K]>;
} & Partial<Pick<SimScenario, 'cost' | 'objectives' | 'sweep'>>;

const WELL: SimScenario = {
  ...DEFAULT_SIMULATION,
  title: 'All is well',
  hardware: { ...DEFAULT_SIMULATION.hardware, kvBlocks: 700 },
  workload: {
    ...DEFAULT_SIMULATION.workload,
    requests: 150,
    arrivals: { kind: 'poisson', rate: 8 },
    promptTokens: { kind: 'uniform', min: 200, max: 600 },
    outputTokens: { kind: 'uniform', min: 40, max: 120 },
  },
  cost: {
    kind: 'linear',
    ...{ baseMs: 8, perTokenMs: 0.03, perPrefillPairMs: 0, perContextTokenMs: 1e-4, perSequenceMs: 0.05 },
  },
};

/** Every setting that is not named is that of an engine with nothing wrong. */
export function engine({
  hardware,
  engine: settings,
  cluster,
  workload,
  ...rest
}: Changes = {}): SimScenario {
  return {
    ...WELL,
    ...rest,
    hardware: { ...WELL.hardware, ...hardware },
    engine: { ...WELL.engine, ...settings },
    cluster: { ...WELL.cluster, ...cluster },
    workload: { ...WELL.workload, ...workload },
  };
}

export function ran(changes: Changes = {}): Run {
  const run = runSimulation(engine(changes));
  const failed = run.points.find(({ reason }) => reason !== null);
  if (failed) throw new Error(`The scenario of the test can't run: ${failed.reason ?? ''}`);
  return run;
}

/** Sessions that resend their history, faster than a pool of 900 blocks can keep it. */
export const CONVERSATIONS: Changes = {
  hardware: { kvBlocks: 900 },
  workload: {
    requests: 120,
    arrivals: { kind: 'poisson', rate: 2 },
    promptTokens: { kind: 'uniform', min: 200, max: 600 },
    sharing: { kind: 'sessions', systemTokens: 200, turns: 6, thinkSeconds: 8 },
  },
};
