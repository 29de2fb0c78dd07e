/** The simulation under every other; scenario files, links and forms are partial layers over it. */
import { SCENARIO_VERSION } from '../schema.ts';
import type { SimScenario } from './schema.ts';

export const DEFAULT_SIMULATION: SimScenario = {
  version: SCENARIO_VERSION,
  kind: 'simulate',
  title: 'Untitled simulation',
  about: '',
  seed: 1,
  model: 'Llama-3.1-8B',
  hardware: {
    gpu: 'h100-sxm',
    tensorParallel: 1,
    pipelineParallel: 1,
    memoryUtilization: 0.9,
    kvBlocks: null,
  },
  engine: {
    scheduler: 'vllm',
    blockSize: 16,
    kvFormat: 'bf16',
    weights: 'bf16',
    tokenBudget: 8192,
    maxSequences: 256,
    batchWaitMs: 1000,
    maxModelTokens: 0,
    longPrefillTokens: 0,
    priorities: 'fcfs',
    preemption: 'recompute',
    watermark: 0,
    reserveFullPrompt: false,
    prefixCache: 'hash',
    cachePolicy: 'lru',
    speculation: null,
  },
  cluster: {
    replicas: 1,
    router: 'round-robin',
    disaggregation: null,
    tiers: [],
    offload: 'on-evict',
    tierLoads: 'when-faster',
  },
  workload: {
    requests: 500,
    arrivals: { kind: 'poisson', rate: 8 },
    // Fitted to the Azure conversation trace of 2023 (19,366 requests), truncated at its maxima.
    promptTokens: { kind: 'lognormal', mu: 6.633, sigma: 0.985, min: 1, max: 14_050 },
    outputTokens: { kind: 'lognormal', mu: 5.019, sigma: 0.859, min: 1, max: 1000 },
    sharing: { kind: 'none' },
    trace: null,
    highPriorityShare: 0,
  },
  // Efficiencies of the GPU's record, measured where they were; sim/cost/roofline.ts names all the others. No time of the
  // host: since vLLM 0.14 it schedules a step while the GPU computes the one before, and with 0 ms the roofline's mean TPOT
  // is 0.4 % off two recorded runs of such engines; with 1 ms it would be some 5 %.
  cost: { kind: 'roofline', computeEfficiency: null, memoryEfficiency: null, overheadMs: 0 },
  objectives: { ttftMs: 2000, tpotMs: 100, e2eMs: null },
  sweep: [],
  repeats: 1,
};
