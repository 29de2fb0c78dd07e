/** A plan's run with round numbers, for tests of figures, renderers and files: no planner made it. */
import type { Deployment, PlanChoice, PlanPhase, PlanRow, PlanRun } from '../../src/core/run/plan.ts';
import { DEFAULT_PLAN } from '../../src/core/scenario/plan/defaults.ts';

export function toyChoice(changes: Partial<PlanChoice> = {}): PlanChoice {
  return {
    model: 'meta-llama/Llama-3.1-8B',
    gpu: 'h100-sxm',
    gpuName: 'H100 SXM',
    gpus: 1,
    replicas: 1,
    tensorParallel: 1,
    pipelineParallel: 1,
    expertParallel: false,
    engine: 'vllm',
    engineVersion: '0.19',
    weights: 'bf16',
    kvFormat: 'bf16',
    blockSize: 16,
    memoryUtilization: 0.9,
    tokenBudget: 8192,
    maxSequences: 128,
    maxModelTokens: 4096,
    prefixCaching: true,
    offloadGB: 0,
    speculation: null,
    disaggregated: null,
    ...changes,
  };
}

const GB = 1e9;

function phase(changes: Partial<PlanPhase>): PlanPhase {
  return {
    arithmeticIntensity: 100,
    ridge: 300,
    bound: 'memory',
    mfu: 0.25,
    mbu: 0.75,
    peakTflops: 900,
    bandwidthGBps: 3000,
    ...changes,
  };
}

/** 80 GB: 8 are not the engine's, 16 weights, 4 activations, 2 overhead; 50 are left for 400,000 tokens. */
export function toyDeployment(changes: Partial<PlanChoice> = {}): Deployment {
  const step = (id: string, label: string, gigabytes: number): Deployment['memory']['steps'][number] => ({
    id,
    label,
    bytes: gigabytes * GB,
    formula: `${Math.abs(gigabytes)} GB`,
    origin: 'assumed',
    source: 'a test',
  });
  return {
    choice: toyChoice(changes),
    memory: {
      fits: true,
      verdict: 'It fits with 400,000 KV tokens.',
      steps: [
        step('memory', 'Memory', 80),
        step('reserved', 'Not the engine’s', -8),
        step('weights', 'Weights', -16),
        step('activations', 'Activations', -4),
        step('runtime', 'Runtime', -2),
        step('kv', 'KV cache', 50),
      ],
      weightsBytes: 16 * GB,
      kvBytesPerToken: 125_000,
      activationBytes: 4 * GB,
      overheadBytes: 2 * GB,
      kvTokens: 400_000,
      sequencesAtMean: 156,
      sequencesAtMax: 97,
      reservedWaste: 0.4,
      pagedWaste: 0.004,
      remedies: ['fp8 KV: 800,000 tokens'],
    },
    speed: {
      batch: 64,
      ttftMs: 200,
      tpotMs: 10,
      e2eMs: 5310,
      ttftTailMs: 400,
      tpotTailMs: 14,
      outputTokensPerSecond: 6000,
      requestsPerSecond: 12,
      maxRequestsPerSecond: 15,
      interval: { ttftMs: [150, 250], tpotMs: [9, 11], outputTokensPerSecond: [5500, 6500] },
      phases: {
        prefill: phase({ arithmeticIntensity: 2000, bound: 'compute', mfu: 0.6, mbu: 0.1 }),
        decode: phase({}),
      },
      operations: [
        { name: 'linear layers', phase: 'prefill', flops: 3e13, bytes: 1.6e10, ms: 60, bound: 'compute' },
        { name: 'attention', phase: 'prefill', flops: 2e12, bytes: 1e9, ms: 6, bound: 'compute' },
        { name: 'linear layers', phase: 'decode', flops: 1e12, bytes: 1.6e10, ms: 6.4, bound: 'memory' },
        { name: 'attention', phase: 'decode', flops: 1e11, bytes: 1e10, ms: 4, bound: 'memory' },
        { name: 'all-reduce', phase: 'decode', flops: 0, bytes: 1e7, ms: 0.1, bound: 'communication' },
      ],
      origin: 'assumed',
      about: 'Round numbers of a test.',
    },
    prefixCache: { hitRatio: 0.5, ttftSaved: 0.4, memorySaved: 0.2, throughputRatio: 1.3 },
    cost: {
      perGpuHour: 2.4,
      priceSource: 'A test, on demand.',
      perHour: 2.4,
      perRequest: 0.0000556,
      perMonth: 1752,
      perMillionInputTokens: 0.03,
      perMillionOutputTokens: 0.11,
      breakEven: null,
      utilization: 0.8,
    },
    energy: {
      wattsPerGpu: 600,
      joulesPerOutputToken: 0.1,
      gramsCo2PerMillionOutputTokens: 13,
      source: 'A test.',
    },
    quality: { lossPercent: 0, origin: 'assumed', source: 'bf16 is what it is compared with.' },
  };
}

export function toyRow(changes: Partial<PlanRow> = {}, choice: Partial<PlanChoice> = {}): PlanRow {
  return {
    choice: toyChoice(choice),
    feasible: true,
    reason: null,
    ttftMs: 200,
    tpotMs: 10,
    outputTokensPerSecond: 6000,
    costPerHour: 2.4,
    costPerMillionOutputTokens: 0.11,
    joulesPerOutputToken: 0.1,
    qualityLossPercent: 0,
    pareto: false,
    ...changes,
  };
}

/** Four GPUs, one of which the model does not fit on. */
export function toyPlanRun(changes: Partial<PlanRun> = {}): PlanRun {
  return {
    version: 1,
    kind: 'plan',
    id: 'toy-plan',
    title: 'A plan of round numbers',
    createdAt: '2026-01-02T03:04:05.000Z',
    origin: 'assumed',
    command: null,
    scenario: { ...DEFAULT_PLAN, load: { ...DEFAULT_PLAN.load, rate: 12 } },
    feasible: true,
    reason: null,
    deployment: toyDeployment(),
    rows: [
      toyRow({ pareto: true }),
      toyRow({ tpotMs: 25, costPerMillionOutputTokens: 0.08, costPerHour: 1.8, pareto: true }, A100),
      toyRow({ tpotMs: 30, costPerMillionOutputTokens: 0.2, costPerHour: 2 }, L40S),
      toyRow({ ...NOTHING, feasible: false, reason: 'The weights alone need 16 GB; it has 12.' }, SMALL),
    ],
    searched: { candidates: 40, infeasible: 12 },
    explanation: ['One H100 carries the load.', 'The A100 costs less and is slower.'],
    notes: [],
    complete: true,
    ...changes,
  };
}

const A100 = { gpu: 'a100-sxm-80gb', gpuName: 'A100 SXM 80 GB' };
const L40S = { gpu: 'l40s', gpuName: 'L40S', gpus: 2, tensorParallel: 2 };
const SMALL = { gpu: 'rtx-3060', gpuName: 'RTX 3060' };
const NOTHING = {
  ttftMs: null,
  tpotMs: null,
  outputTokensPerSecond: null,
  costPerHour: null,
  costPerMillionOutputTokens: null,
  joulesPerOutputToken: null,
  qualityLossPercent: null,
};
