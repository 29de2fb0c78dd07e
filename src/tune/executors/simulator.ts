/** The simulator as the tuner's executor: settings and a cell become a simulation, its summary the numbers. */
import { findGpu, usableMemoryBytes, type GpuRecord } from '../../core/hardware/records.ts';
import { replicaBudget } from '../../core/kv/replica-budget.ts';
import { findArchitecture } from '../../core/model/architecture.ts';
import type { SimRun } from '../../core/run/simulation.ts';
import type { TuneMetrics } from '../../core/run/tune.ts';
import { SIM_WEIGHT_FORMATS, type SimScenario } from '../../core/scenario/simulate/schema.ts';
import { longestText, resolveTuning } from '../../core/scenario/tune/resolved.ts';
import type { TuneCell } from '../../core/scenario/tune/profiles.ts';
import type { TuneScenario, TuneSettings } from '../../core/scenario/tune/schema.ts';
import { simulationOf, tunersWords, type MadeSimulation } from '../../core/scenario/tune/simulation.ts';
import { noKv, noWeights } from '../../plan/support.ts';
import { runSimulation, type SimInputs } from '../../sim/index.ts';
import { InfeasibleError, memorySentence, type TuneExecutor } from '../executor.ts';

/** Bytes on one GPU at the moment of the highest use. */
function peakBytes(scenario: SimScenario, peakKvBlocks: number): number {
  const budget = replicaBudget(scenario);
  if (!budget.ok) throw new InfeasibleError(budget.sentence);
  return budget.weightBytes + budget.activationBytes + budget.otherBytes + peakKvBlocks * budget.blockBytes;
}

/** Formats that the GPU has no arithmetic for, as the planner refuses them; the simulator's engine is like vLLM. */
function lackingFormat(gpu: GpuRecord, { weights, kvFormat }: TuneSettings): string | null {
  const held = SIM_WEIGHT_FORMATS.find((known) => known === weights);
  const lacking =
    (held === undefined ? null : noWeights(gpu, 'vllm', held)) ??
    (kvFormat === 'fp8' ? noKv(gpu, 'vllm', 'fp8') : null);
  return lacking === null ? null : `There is no hardware support: ${lacking}; bf16 and int4 run there.`;
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
  const made = (settings: TuneSettings, cell: TuneCell): MadeSimulation => {
    const most = findArchitecture(cell.model)?.maxPositionTokens ?? Infinity;
    return simulationOf(tuning, settings, cell, longestText(tuning.profile, most));
  };
  const limit = budget.memoryGB === null ? Infinity : budget.memoryGB * 1e9;
  return {
    kind: 'simulator',
    origin: 'simulated',
    about: `Simulated on ${gpu?.name ?? hardware.gpu} with ${gpu ? (usableMemoryBytes(gpu) / 1e9).toFixed(0) : '?'} GB, by the roofline cost model.`,
    environment: null,
    drifts: false,
    maxTokens: (model) => findArchitecture(model)?.maxPositionTokens ?? 0,
    refuses: (settings, cell) => {
      const lacking = gpu ? lackingFormat(gpu, settings) : null;
      if (lacking !== null) return lacking;
      const simulation = made(settings, cell);
      if (!simulation.ok) return simulation.sentence;
      const budget = replicaBudget(simulation.scenario);
      return budget.ok ? null : tunersWords(budget.sentence);
    },
    measure: ({ settings, cell, seed, signal }) => {
      signal.throwIfAborted();
      const simulation = made(settings, cell);
      if (!simulation.ok) throw new InfeasibleError(simulation.sentence);
      const scenario = { ...simulation.scenario, seed };
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
