/**
 * The simulator as the tuner's executor: settings and a cell become a simulation, its summary the numbers.
 *
 * A cache that grows is served by static batches, as by engines without pages: nobody joins a batch that runs. A reserved
 * one takes the longest text that the cell may have. A sliding window is a property of the model's layers here, so one can
 * not be put on a model that has none.
 */
import { findGpu, usableMemoryBytes } from '../../core/hardware/records.ts';
import { replicaBudget } from '../../core/kv/replica-budget.ts';
import { findArchitecture } from '../../core/model/architecture.ts';
import type { TuneMetrics } from '../../core/run/tune.ts';
import type { SimRun } from '../../core/run/simulation.ts';
import { DEFAULT_SIMULATION } from '../../core/scenario/simulate/defaults.ts';
import { simContradiction } from '../../core/scenario/simulate/rules.ts';
import {
  SIM_KV_FORMATS,
  SIM_WEIGHT_FORMATS,
  type SchedulerName,
  type SimScenario,
} from '../../core/scenario/simulate/schema.ts';
import type { TuneCell } from '../../core/scenario/tune/profiles.ts';
import { resolveTuning, type Tuning } from '../../core/scenario/tune/resolved.ts';
import type { CacheStrategy, TuneScenario, TuneSettings } from '../../core/scenario/tune/schema.ts';
import { cellWorkload } from '../../core/scenario/tune/workload.ts';
import { runSimulation, type SimInputs } from '../../sim/index.ts';
import { InfeasibleError, type TuneExecutor } from '../executor.ts';

const SCHEDULERS: Readonly<Record<Exclude<CacheStrategy, 'sliding-window'>, SchedulerName>> = {
  paged: 'vllm',
  reserved: 'orca',
  growing: 'static',
};

/** Host memory that takes evicted blocks, and its link: PCIe 5 ×16, one direction. Assumed. */
const HOST_TIER = { kind: 'host', capacityGB: 64, bandwidthGBps: 50, latencyUs: 10, shared: false } as const;

type Made =
  { readonly ok: true; readonly scenario: SimScenario } | { readonly ok: false; readonly sentence: string };

/** The simulation of some settings in a cell, or why there is none. */
export function simulationOf(tuning: Tuning, settings: TuneSettings, cell: TuneCell): Made {
  const { strategy } = settings;
  const kvFormat = SIM_KV_FORMATS.find((known) => known === settings.kvFormat);
  const weights = SIM_WEIGHT_FORMATS.find((known) => known === settings.weights);
  if (strategy === 'sliding-window') {
    return refused(
      'The simulator takes windows from the model’s own layers; measure a sliding window with the engine.',
    );
  }
  if (kvFormat === undefined) return refused(`The simulator has no KV format ${settings.kvFormat}.`);
  if (weights === undefined) return refused(`The simulator has no weight format ${settings.weights}.`);
  const paged = strategy === 'paged';
  const { hardware, title } = tuning.scenario;
  const scenario: SimScenario = {
    ...DEFAULT_SIMULATION,
    title,
    model: cell.model,
    hardware: {
      ...DEFAULT_SIMULATION.hardware,
      gpu: hardware.gpu,
      tensorParallel: hardware.tensorParallel,
      memoryUtilization: hardware.memoryUtilization,
    },
    engine: {
      ...DEFAULT_SIMULATION.engine,
      scheduler: SCHEDULERS[strategy],
      batchWaitMs: 0,
      kvFormat,
      weights,
      blockSize: settings.blockSize,
      tokenBudget: settings.tokenBudget,
      maxSequences: settings.maxSequences,
      longPrefillTokens: settings.chunkTokens,
      maxModelTokens: cell.context + cell.output,
      prefixCache: paged && settings.prefixCaching ? 'hash' : 'off',
      cachePolicy: paged && settings.prefixCaching ? settings.cachePolicy : 'lru',
    },
    cluster: {
      ...DEFAULT_SIMULATION.cluster,
      tiers: paged && settings.offload === 'host' ? [HOST_TIER] : [],
    },
    workload: cellWorkload(tuning.load, cell),
    objectives: { ttftMs: null, tpotMs: null, e2eMs: null },
  };
  const sentence = simContradiction(scenario);
  return sentence === null ? { ok: true, scenario } : refused(sentence);
}

function refused(sentence: string): Made {
  return { ok: false, sentence };
}

/** Bytes on one GPU at the moment of the highest use. */
function peakBytes(scenario: SimScenario, peakKvBlocks: number): number {
  const budget = replicaBudget(scenario);
  if (!budget.ok) throw new InfeasibleError(budget.sentence);
  return budget.weightBytes + budget.activationBytes + budget.otherBytes + peakKvBlocks * budget.blockBytes;
}

function metricsOf(scenario: SimScenario, run: SimRun): TuneMetrics {
  const [point] = run.points;
  const summary = point?.repetitions[0]?.summary;
  if (summary === undefined) throw new InfeasibleError(point?.reason ?? 'The simulation gave no result.');
  if (summary.finished < summary.requests || summary.ttftMs === null) {
    throw new InfeasibleError(
      `${summary.requests - summary.finished} of ${summary.requests} requests never ended.`,
    );
  }
  return {
    ttftMs: summary.ttftMs.mean,
    tpotMs: summary.tpotMs?.mean ?? 0,
    outputTokensPerSecond: summary.outputTokensPerSecond,
    memoryBytes: peakBytes(scenario, summary.peakKvBlocks),
  };
}

/** @param inputs files beside the scenario, such as a measured profile of the GPU */
export function createSimulatorExecutor(scenario: TuneScenario, inputs: SimInputs = {}): TuneExecutor {
  const tuning = resolveTuning(scenario);
  const { hardware, budget } = scenario;
  const gpu = findGpu(hardware.gpu);
  const limit = budget.memoryGB === null ? Infinity : budget.memoryGB * 1e9;
  return {
    kind: 'simulator',
    origin: 'simulated',
    about: `Simulated on ${gpu?.name ?? hardware.gpu} with ${gpu ? (usableMemoryBytes(gpu) / 1e9).toFixed(0) : '?'} GB, by the roofline cost model.`,
    environment: null,
    drifts: false,
    maxTokens: (model) => findArchitecture(model)?.maxPositionTokens ?? 0,
    refuses: (settings, cell) => {
      const made = simulationOf(tuning, settings, cell);
      if (!made.ok) return made.sentence;
      const budget = replicaBudget(made.scenario);
      return budget.ok ? null : budget.sentence;
    },
    measure: ({ settings, cell, seed, signal }) => {
      signal.throwIfAborted();
      const made = simulationOf(tuning, settings, cell);
      if (!made.ok) throw new InfeasibleError(made.sentence);
      const scenario = { ...made.scenario, seed };
      const metrics = metricsOf(
        scenario,
        runSimulation(scenario, { ...inputs, shouldStop: () => signal.aborted }),
      );
      if (metrics.memoryBytes > limit) throw new InfeasibleError(memorySentence(metrics.memoryBytes, limit));
      return Promise.resolve(metrics);
    },
    startupMs: () => null,
    close: () => Promise.resolve(),
  };
}

export function memorySentence(bytes: number, limit: number): string {
  return `It takes ${(bytes / 1e9).toFixed(2)} GB, more than the ${(limit / 1e9).toFixed(2)} GB of budget.memoryGB.`;
}
