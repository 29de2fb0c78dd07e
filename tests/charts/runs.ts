/** Synthetic runs with known answers, for tests of figures and for the gallery. No number here was measured. */
import type {
  CheckRun,
  Environment,
  LabRun,
  Point,
  RequestRow,
  StepSample,
} from '../../src/core/run/schema.ts';
import type { Scenario, SweepAxis } from '../../src/core/scenario/schema.ts';

export const MIB = 1024 * 1024;

export const environment: Environment = {
  appVersion: '0.0.0-test',
  runtime: 'test',
  os: 'test',
  adapter: {
    vendor: 'acme',
    architecture: 'unreal',
    device: 'Test GPU 9',
    description: '',
    isFallback: false,
    powerPreference: 'high-performance',
    subgroupMinSize: 32,
    subgroupMaxSize: 32,
  },
  features: [],
  limits: {},
  hostMemoryBytes: null,
  logicalCores: null,
  timestampQuantumNs: 100,
};

export function scenarioWith(sweep: SweepAxis[]): Scenario {
  return {
    version: 1,
    kind: 'lab',
    title: 'Synthetic',
    about: 'Made by a test.',
    seed: 1,
    model: { name: 'Toy 1B', layers: 16, queryHeads: 32, kvHeads: 8, headDim: 64 },
    hardware: { adapter: 'high-performance' },
    engine: {
      layout: 'paged',
      blockSize: 16,
      kvFormat: 'f16',
      residualTokens: 128,
      prefillChunkTokens: 512,
      maxContextTokens: 0,
      tier: 'auto',
      windowTokens: 0,
      sinkTokens: 4,
      eviction: { policy: 'none', budgetTokens: 1024 },
    },
    workload: { concurrency: 1, promptTokens: 512, outputTokens: 64, sharedPrefixTokens: 0, groups: [] },
    sweep,
    measurement: { repeats: 5, warmupRepeats: 1 },
    objectives: { ttftMs: null, tpotMs: null },
    softwareAdapter: {},
  };
}

export interface PointPlan {
  readonly settings: Point['settings'];
  readonly usedBytes: number;
  readonly reservedBytes: number;
  readonly requests: readonly { group?: string; promptTokens?: number; prefillMs: number; stepMs: number }[];
  readonly kvReadBytes?: number;
  /** Set: the point failed for this reason and has no samples. */
  readonly failed?: string;
  readonly repeats?: number;
}

/** A small generator with its own state; draws lie in 0…1. */
function draws(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const STEPS = 16;

function repetition(plan: PointPlan, index: number, random: () => number): Point['repetitions'][number] {
  // Right-skewed noise of about 5 %, as clocks show it.
  const noise = () => 1 + 0.03 * random() + 0.15 * random() ** 12;
  const requests: RequestRow[] = [];
  const steps: StepSample[] = [];
  const slowest = plan.requests.reduce((a, b) => Math.max(a, b.stepMs), 0);
  const prefillMs = plan.requests.reduce((sum, r) => sum + r.prefillMs, 0) * noise();
  const base = {
    sequences: plan.requests.length,
    contextTokens: 0,
    kvReadBytes: plan.kvReadBytes ?? plan.usedBytes,
  };
  steps.push({ ...base, phase: 'prefill', tokens: 512, startMs: 0, wallMs: prefillMs, gpuMs: prefillMs });
  let clock = prefillMs;
  for (let s = 0; s < STEPS; s++) {
    const wallMs = slowest * noise();
    steps.push({
      ...base,
      phase: 'decode',
      tokens: plan.requests.length,
      startMs: clock,
      wallMs,
      gpuMs: wallMs * 0.9,
    });
    clock += wallMs;
  }
  for (const [id, request] of plan.requests.entries()) {
    requests.push({
      id,
      group: request.group ?? 'all',
      promptTokens: request.promptTokens ?? 512,
      outputTokens: STEPS + 1,
      queuedMs: 0,
      startMs: 0,
      firstTokenMs: prefillMs,
      endMs: prefillMs + (clock - prefillMs) * (request.stepMs / slowest) * noise(),
      peakKvBytes: plan.usedBytes / plan.requests.length,
      backend: 'test',
      error: null,
    });
  }
  const { usedBytes, reservedBytes } = plan;
  return {
    requests,
    steps,
    peakMemory: { usedBytes, reservedBytes, allocatedBytes: reservedBytes },
    startedMs: index * 100,
  };
}

export function point(plan: PointPlan, seed: number): Point {
  const { settings } = plan;
  if (plan.failed !== undefined) {
    return { settings, status: 'failed', reason: plan.failed, variant: '', repetitions: [] };
  }
  const random = draws(seed);
  const repetitions = Array.from({ length: plan.repeats ?? 5 }, (_, index) =>
    repetition(plan, index, random),
  );
  return { settings, status: 'done', reason: null, variant: 'subgroups', repetitions };
}

export function labRun(
  sweep: SweepAxis[],
  plans: readonly PointPlan[],
  seed = 7,
  title = 'Synthetic run',
): LabRun {
  return {
    version: 1,
    kind: 'lab',
    id: `run-${seed}`,
    title,
    createdAt: '2026-01-02T03:04:05.000Z',
    origin: 'measured',
    command: 'kvlab measure synthetic',
    scenario: scenarioWith(sweep),
    environment,
    points: plans.map((plan, index) => point(plan, seed * 1000 + index)),
    notes: [],
    complete: true,
  };
}

/** Concurrency 1…16: 8 MiB used and 10 MiB reserved a request; decode steps grow from 2 ms by 0.5 ms a request. */
export function concurrencyRun(
  options: { failAt?: number; seed?: number; slower?: number; title?: string } = {},
): LabRun {
  const values = [1, 2, 4, 8, 16];
  const plans = values.map((count): PointPlan => ({
    settings: { 'workload.concurrency': count },
    usedBytes: 8 * MIB * count,
    reservedBytes: 10 * MIB * count,
    requests: Array.from({ length: count }, () => ({
      prefillMs: 6,
      stepMs: (2 + 0.5 * count) * (options.slower ?? 1),
    })),
    ...(options.failAt === count ? { failed: 'Out of memory: 160 MiB were asked, 96 MiB were free.' } : {}),
  }));
  return labRun([{ path: 'workload.concurrency', values }], plans, options.seed, options.title);
}

export function checkRun(): CheckRun {
  return {
    version: 1,
    kind: 'check',
    id: 'check-1',
    title: 'Check',
    createdAt: '2026-01-02T03:04:05.000Z',
    origin: 'measured',
    command: null,
    environment,
    measurements: [],
    notes: [],
    complete: true,
  };
}
