/** Whatever the engine: the gaps between a request's tokens add up to the time from its first token to its end. */
import { expect, test } from 'vitest';
import { DEFAULT_SIMULATION } from '../../src/core/scenario/simulate/defaults.ts';
import type { Cluster, SimEngine, SimScenario } from '../../src/core/scenario/simulate/schema.ts';
import { runSimulation } from '../../src/sim/run.ts';

function scenario(engine: Partial<SimEngine>, cluster: Partial<Cluster>, kvBlocks: number): SimScenario {
  return {
    ...DEFAULT_SIMULATION,
    hardware: { ...DEFAULT_SIMULATION.hardware, kvBlocks },
    engine: { ...DEFAULT_SIMULATION.engine, maxSequences: 32, maxModelTokens: 1200, ...engine },
    cluster: { ...DEFAULT_SIMULATION.cluster, ...cluster },
    workload: {
      ...DEFAULT_SIMULATION.workload,
      requests: 120,
      arrivals: { kind: 'poisson', rate: 20 },
      promptTokens: { kind: 'uniform', min: 20, max: 900 },
      outputTokens: { kind: 'uniform', min: 1, max: 120 },
      highPriorityShare: 0.3,
    },
  };
}

const split = { prefillReplicas: 1, decodeReplicas: 1, linkGBps: 25, linkLatencyUs: 10 };

test.each<{ name: string; engine?: Partial<SimEngine>; cluster?: Partial<Cluster>; kvBlocks?: number }>([
  { name: 'vllm' },
  { name: 'vllm under pressure', kvBlocks: 500 },
  { name: 'priorities under pressure', engine: { priorities: 'priority' }, kvBlocks: 500 },
  { name: 'swap', engine: { preemption: 'swap' }, kvBlocks: 500 },
  { name: 'sarathi', engine: { scheduler: 'sarathi', tokenBudget: 512 } },
  { name: 'orca', engine: { scheduler: 'orca' }, kvBlocks: 4000 },
  { name: 'three replicas', cluster: { replicas: 3, router: 'least-loaded' } },
  { name: 'prefill and decode apart', cluster: { disaggregation: split } },
])('$name', ({ engine = {}, cluster = {}, kvBlocks = 5000 }) => {
  const [point] = runSimulation(scenario(engine, cluster, kvBlocks)).points;
  const [repetition] = point?.repetitions ?? [];
  if (!repetition) throw new Error(point?.reason ?? 'Nothing ran.');
  const { requests, summary } = repetition;
  let decodingMs = 0;
  requests.endMs.forEach((end, row) => (decodingMs += (end ?? 0) - (requests.firstTokenMs[row] ?? 0)));
  const { samples = 0, mean = 0 } = summary.itlMs ?? {};
  expect(summary.finished).toBe(120);
  expect(samples * mean).toBeCloseTo(decodingMs, 3);
  const tokens = requests.outputTokens.reduce<number>((sum, n) => sum + (n ?? 0) - 1, 0);
  expect(samples).toBe(tokens);
});
