/** What a part of a simulation starts with when its kind is chosen or it is switched on. */
import type { Json } from '../core/json.ts';

const STARTS: Readonly<Record<string, Readonly<Record<string, Json>>>> = {
  'workload.arrivals': {
    constant: { kind: 'constant', rate: 8 },
    poisson: { kind: 'poisson', rate: 8 },
    gamma: { kind: 'gamma', rate: 8, cv: 2 },
    'on-off': { kind: 'on-off', rate: 16, onSeconds: 10, offSeconds: 10 },
    mmpp: { kind: 'mmpp', rates: [2, 20], leave: [0.05, 0.2] },
    closed: { kind: 'closed', users: 32, thinkSeconds: 5 },
    series: {
      kind: 'series',
      points: [
        [0, 2],
        [60, 12],
        [120, 2],
      ],
    },
  },
  length: {
    fixed: { kind: 'fixed', tokens: 512 },
    uniform: { kind: 'uniform', min: 64, max: 2048 },
    lognormal: { kind: 'lognormal', mu: 6, sigma: 1, min: 1, max: 8192 },
    zipf: { kind: 'zipf', exponent: 1, min: 16, max: 8192 },
    quantiles: {
      kind: 'quantiles',
      points: [
        [0, 16],
        [0.5, 512],
        [1, 4096],
      ],
    },
    mixture: {
      kind: 'mixture',
      parts: [
        { weight: 8, tokens: 128 },
        { weight: 1, tokens: 4096 },
      ],
    },
  },
  'workload.sharing': {
    none: { kind: 'none' },
    system: { kind: 'system', prompts: 10, systemTokens: 1024, exponent: 1 },
    sessions: { kind: 'sessions', systemTokens: 512, turns: 6, thinkSeconds: 10 },
    agents: { kind: 'agents', systemTokens: 1024, branching: 3, depth: 3 },
  },
  cost: {
    roofline: { kind: 'roofline', computeEfficiency: null, memoryEfficiency: null, overheadMs: 0 },
    linear: {
      kind: 'linear',
      baseMs: 8,
      perTokenMs: 0.02,
      perPrefillPairMs: 2e-7,
      perContextTokenMs: 5e-5,
      perSequenceMs: 0.02,
    },
    table: { kind: 'table', name: 'profile' },
    check: { kind: 'check', name: 'my GPU' },
  },
};

const SWITCHED_ON: Readonly<Record<string, Json>> = {
  'engine.speculation': { draftTokens: 4, acceptance: 0.7, draftCost: 0.05 },
  'cluster.disaggregation': { prefillReplicas: 1, decodeReplicas: 1, linkGBps: 50, linkLatencyUs: 10 },
  'workload.trace': { name: 'trace', speed: 1 },
};

const LENGTHS = new Set(['workload.promptTokens', 'workload.outputTokens']);

export function startOf(path: string, kind: string | null): Json {
  if (kind === null) return SWITCHED_ON[path] ?? null;
  return STARTS[LENGTHS.has(path) ? 'length' : path]?.[kind] ?? null;
}
