/**
 * Synthetic simulated runs with known answers, for tests of figures and views: no simulator made them, every number
 * follows from a formula here.
 */
import type {
  SimDistribution,
  SimPoint,
  SimRepetition,
  SimRun,
  SimSeries,
  SimSummary,
} from '../../src/core/run/simulation.ts';
import { DEFAULT_SIMULATION } from '../../src/core/scenario/simulate/defaults.ts';
import type { SimScenario } from '../../src/core/scenario/simulate/schema.ts';

export const TOY_BLOCKS = 1000;
export const TOY_SAMPLES = 600;
const SAMPLE_MS = 100;

/** Values `least + (most − least)·q` at probability q. */
export function evenDistribution(least: number, most: number, samples = 500): SimDistribution {
  const at = (q: number) => least + (most - least) * q;
  return {
    samples,
    exact: true,
    mean: at(0.5),
    min: least,
    p50: at(0.5),
    p90: at(0.9),
    p95: at(0.95),
    p99: at(0.99),
    p999: at(0.999),
    max: most,
    quantiles: Array.from({ length: 101 }, (_, i) => at(i / 100)),
  };
}

/** Use climbs to 600 blocks and falls again; 50 of them are wasted, 200 cached; preemptions every hundredth sample. */
export function toySeries(samples = TOY_SAMPLES): SimSeries {
  const column = (read: (i: number) => number) => Array.from({ length: samples }, (_, i) => read(i));
  const ramp = (i: number) => Math.min(i, samples - i) / (samples / 2);
  return {
    timeMs: column((i) => i * SAMPLE_MS),
    running: column((i) => Math.round(20 * ramp(i))),
    waiting: column((i) => Math.max(0, Math.round(20 * ramp(i)) - 10)),
    activeBlocks: column((i) => Math.round(600 * ramp(i))),
    cachedBlocks: column(() => 200),
    freeBlocks: column((i) => TOY_BLOCKS - 200 - Math.round(600 * ramp(i))),
    wastedBlocks: column((i) => Math.round(50 * ramp(i))),
    preemptions: column((i) => (i > 0 && i % 100 === 0 ? 1 : 0)),
    lookedUpTokens: column(() => 100),
    hitTokens: column((i) => (i < samples / 2 ? 0 : 50)),
    tierOutBytes: column(() => 1e7),
    tierInBytes: column((i) => (i % 2 === 0 ? 1e7 : 0)),
  };
}

export function toySummary(slower: number, changes: Partial<SimSummary> = {}): SimSummary {
  return {
    requests: 500,
    finished: 500,
    durationMs: TOY_SAMPLES * SAMPLE_MS,
    ttftMs: evenDistribution(100 * slower, 1100 * slower),
    tpotMs: evenDistribution(10 * slower, 30 * slower),
    itlMs: evenDistribution(8 * slower, 50 * slower, 50_000),
    e2eMs: evenDistribution(1000 * slower, 9000 * slower),
    queueMs: evenDistribution(0, 800 * slower),
    promptTokensPerSecond: 9000,
    outputTokensPerSecond: 1700,
    requestsPerSecond: 8,
    goodput: 8 / slower,
    attainment: 1 / slower,
    prefixHitRatio: 0.25,
    preemptions: 5,
    recomputedTokens: 4000,
    steps: 6000,
    meanBatch: 10,
    kvBlocks: TOY_BLOCKS,
    peakKvBlocks: 600,
    meanKvBlocks: 300,
    fragmentation: 0.08,
    steadyFromMs: 6000,
    ...changes,
  };
}

function toyRepetition(seed: number, slower: number): SimRepetition {
  const rows = 40;
  const column = (read: (i: number) => number) => Array.from({ length: rows }, (_, i) => read(i));
  return {
    seed,
    summary: toySummary(slower * (1 + 0.01 * (seed - 1))),
    series: toySeries(),
    requests: {
      total: 500,
      arrivalMs: column((i) => i * 125),
      startMs: column((i) => i * 125 + 10),
      firstTokenMs: column((i) => i * 125 + 100 * slower),
      endMs: column((i) => i * 125 + 1000 * slower),
      promptTokens: column(() => 1000),
      outputTokens: column(() => 46),
      cachedTokens: column((i) => (i % 4 === 0 ? 0 : 256)),
      preemptions: column((i) => (i === 7 ? 1 : 0)),
      replica: column(() => 0),
    },
    basis: { measured: 0, interpolated: 0, extrapolated: 0, assumed: 6000 },
    tiers: [{ kind: 'host', outBytes: 6e9, inBytes: 3e9, hitTokens: 30_000 }],
  };
}

export interface ToySim {
  readonly id?: string;
  readonly title?: string;
  readonly slower?: number;
  readonly repeats?: number;
  /** One point for each, its times longer in proportion to the position. */
  readonly axis?: { readonly path: string; readonly values: readonly (string | number)[] };
  /** Fails the last point. */
  readonly failLast?: string;
  readonly scenario?: Partial<SimScenario>;
}

export function toySimRun(options: ToySim = {}): SimRun {
  const { axis, slower = 1, repeats = 1, failLast } = options;
  const point = (settings: SimPoint['settings'], factor: number): SimPoint => ({
    settings,
    status: 'done',
    reason: null,
    costModel: 'roofline, H100 SXM, Llama-3.1-8B',
    repetitions: Array.from({ length: repeats }, (_, i) => toyRepetition(i + 1, factor)),
  });
  const points = axis
    ? axis.values.map((value, i) => point({ [axis.path]: value }, slower * (i + 1)))
    : [point({}, slower)];
  const last = points.at(-1);
  return {
    version: 1,
    kind: 'simulate',
    id: options.id ?? 'toy-sim',
    title: options.title ?? 'Synthetic simulation',
    createdAt: '2026-01-02T03:04:05.000Z',
    origin: 'simulated',
    command: null,
    appVersion: '0.0.0-test',
    scenario: {
      ...DEFAULT_SIMULATION,
      title: options.title ?? 'Synthetic simulation',
      sweep: axis ? [{ path: axis.path, values: [...axis.values] }] : [],
      ...options.scenario,
    },
    points:
      failLast !== undefined && last
        ? [...points.slice(0, -1), { ...last, status: 'failed', reason: failLast, repetitions: [] }]
        : points,
    notes: [],
    complete: true,
  };
}
