/**
 * Synthetic runs with known answers, for tests of figures and for the gallery: the scenarios of scenarios/ under a toy
 * model of an engine. No number here was measured; each run says so in its title.
 */
import blockSize from '../../scenarios/block-size.json' with { type: 'json' };
import concurrency from '../../scenarios/concurrency-llama-3.2-1b.json' with { type: 'json' };
import evictionBudget from '../../scenarios/eviction-budget.json' with { type: 'json' };
import formatLength from '../../scenarios/kv-format-length.json' with { type: 'json' };
import mixedLengths from '../../scenarios/mixed-lengths-opt-1.3b.json' with { type: 'json' };
import pagedContiguous from '../../scenarios/paged-vs-contiguous-opt-1.3b.json' with { type: 'json' };
import sequenceLength from '../../scenarios/sequence-length-opt-1.3b.json' with { type: 'json' };
import sharedPrefix from '../../scenarios/shared-prefix.json' with { type: 'json' };
import { kvBytesPerTokenPerLayer } from '../../src/core/kv/formats.ts';
import { createRandom, type Random } from '../../src/core/random.ts';
import type {
  CheckRun,
  Environment,
  LabRun,
  Point,
  Repetition,
  StepSample,
} from '../../src/core/run/schema.ts';
import { parseScenario } from '../../src/core/scenario/parse.ts';
import type { Scenario } from '../../src/core/scenario/schema.ts';
import { expandSweep, type SweepPoint } from '../../src/core/scenario/sweep.ts';

export const SCENARIOS = {
  concurrency,
  sequenceLength,
  mixedLengths,
  pagedContiguous,
  formatLength,
  blockSize,
  sharedPrefix,
  evictionBudget,
} as const;
export type ScenarioName = keyof typeof SCENARIOS;

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

/** The toy engine: prefill takes quadratic time, a decode step reads all KV at this rate after a fixed cost. */
export const TOY = {
  prefillMsPerTokenSquared: 4e-6,
  stepMs: 0.4,
  bytesPerMs: 2e8,
  repeats: 5,
  outputTokens: 64,
};

export interface ToyOptions {
  readonly seed?: number;
  readonly title?: string;
  /** Every time is multiplied by it. */
  readonly slower?: number;
  /** Fails the points for which it gives a reason. */
  readonly fail?: (settings: Point['settings']) => string | null;
  readonly repeats?: number;
  /** 0 switches the clock's noise off. */
  readonly noise?: number;
}

interface ToyGroup {
  readonly name: string;
  readonly count: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
}

function groupsOf({ workload }: Scenario): readonly ToyGroup[] {
  if (workload.groups.length > 0) return workload.groups;
  const { concurrency: count, promptTokens, outputTokens } = workload;
  return [{ name: 'all', count, promptTokens, outputTokens }];
}

export function bytesPerToken({ model, engine }: Scenario): number {
  const shape = { headDim: model.headDim, kvHeads: model.kvHeads, blockSize: engine.blockSize };
  return kvBytesPerTokenPerLayer(engine.kvFormat, shape) * model.layers;
}

function memoryOf(scenario: Scenario): Repetition['peakMemory'] {
  const { engine, workload } = scenario;
  const evicts = engine.eviction.policy !== 'none' && engine.eviction.policy !== 'quest';
  const prefix = engine.layout === 'paged' ? workload.sharedPrefixTokens : 0;
  let [used, reserved] = [prefix, prefix];
  for (const { count, promptTokens, outputTokens } of groupsOf(scenario)) {
    const length = promptTokens + outputTokens;
    const kept = (evicts ? Math.min(length, engine.eviction.budgetTokens) : length) - prefix;
    const blocks = Math.ceil(kept / engine.blockSize) * engine.blockSize;
    used += count * kept;
    reserved += count * (engine.layout === 'paged' ? blocks : engine.maxContextTokens || length);
  }
  const scale = bytesPerToken(scenario);
  const bytes = { usedBytes: used * scale, reservedBytes: reserved * scale };
  return { ...bytes, allocatedBytes: bytes.reservedBytes };
}

function repetitionOf(scenario: Scenario, index: number, random: Random, options: ToyOptions): Repetition {
  // Right-skewed noise of a few percent, as clocks show it.
  const slip = options.noise ?? 1;
  const noise = () =>
    (options.slower ?? 1) * (1 + slip * (0.02 * random.exponential() + 0.01 * random.uniform()));
  const groups = groupsOf(scenario);
  const peakMemory = memoryOf(scenario);
  const sequences = groups.reduce((sum, { count }) => sum + count, 0);
  const common = { sequences, contextTokens: 0, kvReadBytes: peakMemory.usedBytes };
  const squared = groups.reduce((sum, g) => sum + g.count * g.promptTokens ** 2, 0);
  const prefill = TOY.prefillMsPerTokenSquared * squared * noise();
  const prompts = groups.reduce((sum, g) => sum + g.count * g.promptTokens, 0);
  const steps: StepSample[] = [
    { ...common, phase: 'prefill', tokens: prompts, startMs: 0, wallMs: prefill, gpuMs: prefill },
  ];
  let clock = prefill;
  for (let step = 1; step < TOY.outputTokens; step++) {
    const wallMs = (TOY.stepMs + peakMemory.usedBytes / TOY.bytesPerMs) * noise();
    steps.push({
      ...common,
      phase: 'decode',
      tokens: sequences,
      startMs: clock,
      wallMs,
      gpuMs: wallMs * 0.9,
    });
    clock += wallMs;
    if (scenario.engine.eviction.policy === 'none') continue;
    const evictMs = 0.05 * noise();
    steps.push({ ...common, phase: 'evict', tokens: 0, startMs: clock, wallMs: evictMs, gpuMs: evictMs });
    clock += evictMs;
  }
  const requests = groups.flatMap((group) =>
    Array.from({ length: group.count }, () => ({
      group: group.name,
      promptTokens: group.promptTokens,
      outputTokens: TOY.outputTokens,
      // Handed in one after the other, while the first prefill runs.
      queuedMs: slip * prefill * 0.3 * random.uniform(),
      startMs: 0,
      firstTokenMs: prefill,
      endMs: clock,
      peakKvBytes: peakMemory.usedBytes / sequences,
      backend: 'toy',
      error: null,
    })),
  );
  return { requests: requests.map((r, id) => ({ id, ...r })), steps, peakMemory, startedMs: index * 100 };
}

function pointOf({ scenario, settings, index }: SweepPoint, options: ToyOptions): Point {
  const reason = options.fail?.(settings) ?? null;
  if (reason !== null) return { settings, status: 'failed', reason, variant: '', repetitions: [] };
  const random = createRandom(options.seed ?? 7).fork(index);
  const repetitions = Array.from({ length: options.repeats ?? TOY.repeats }, (_, i) =>
    repetitionOf(scenario, i, random, options),
  );
  return { settings, status: 'done', reason: null, variant: 'subgroups', repetitions };
}

/** A run of a scenario of scenarios/ on the toy engine. */
export function toyRun(name: ScenarioName, options: ToyOptions = {}): LabRun {
  const parsed = parseScenario(SCENARIOS[name]);
  if (!parsed.ok) throw new Error(parsed.sentence);
  return {
    version: 1,
    kind: 'lab',
    id: `toy-${options.seed ?? 7}`,
    title: options.title ?? 'Synthetic run',
    createdAt: '2026-01-02T03:04:05.000Z',
    origin: 'assumed',
    command: `toy ${name}`,
    scenario: parsed.scenario,
    environment,
    points: expandSweep(parsed.scenario).map((point) => pointOf(point, options)),
    notes: [],
    complete: true,
  };
}

export function toyCheck(): CheckRun {
  const decode = (format: string, value: number | null, note = '') => ({
    id: `decode.${format}`,
    label: `Decode attention, ${format}`,
    unit: 'GB/s',
    value,
    samples: value === null ? [] : [0.97, 0.99, 1, 1, 1.02].map((share) => share * value),
    percentOfPeak: value === null ? null : value / 2,
    note,
  });
  return {
    version: 1,
    kind: 'check',
    id: 'check-7',
    title: 'Synthetic check',
    createdAt: '2026-01-02T03:04:05.000Z',
    origin: 'assumed',
    command: null,
    environment,
    measurements: [
      decode('f32', 170),
      decode('f16', 160),
      decode('int8', 120),
      decode('int4', null, 'The pool for int4 could not be allocated: 2 GiB were asked.'),
    ],
    notes: [],
    complete: true,
  };
}
