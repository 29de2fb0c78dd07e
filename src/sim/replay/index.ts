/**
 * Replays a recorded run: the same requests through the simulator, and what came out beside what was measured.
 *
 *   recorded texts → settings, model, GPU → cost model → engine → times and series → errors
 */
import type { GpuRecord } from '../../core/hardware/records.ts';
import { BlockManager } from '../../core/kv/block-manager.ts';
import type { Architecture } from '../../core/model/architecture.ts';
import type { ReplayReport, ReplaySeries, ReplaySeriesName } from '../../core/run/replay.ts';
import { REPLAY_SERIES } from '../../core/run/replay.ts';
import type { RequestTable } from '../../core/schedule/requests.ts';
import { Sequences } from '../../core/schedule/sequences.ts';
import { VllmScheduler } from '../../core/schedule/vllm.ts';
import { readTrace } from '../../core/workload/traces/read.ts';
import type { CostModel } from '../cost/model.ts';
import { createRoofline } from '../cost/roofline.ts';
import { sameModel } from '../cost/table-scenario.ts';
import { readLayerProfile, type LayerProfile, type ProfileFiles } from '../cost/table-profile.ts';
import { TableCost } from '../cost/table.ts';
import {
  clockOffsetSeconds,
  latenciesOf,
  latencyErrors,
  measuredTimes,
  predictedTimes,
  samplesOf,
  seriesOf,
} from './compare.ts';
import { runEngine, type EngineRun } from './engine.ts';
import { allReduceBetween, describeMachine, gpuOf, modelOf, type MachineDescription } from './machine.ts';
import { readJson, readRequests, readTicks, RecordedError } from './recorded.ts';
import { memoryOf, readMeta, replaySettings, type RecordedMeta, type ReplaySettings } from './settings.ts';
import { recordedPart, tableOf } from './workload.ts';

export { RecordedError } from './recorded.ts';

/** The files of a recorded run, as texts. */
export interface RecordedTexts {
  /** The workload that was replayed: JSON lines with timestamps, lengths and block ids. */
  readonly workload: string;
  readonly requests: string;
  readonly meta: string;
  readonly timeseries?: string | undefined;
  readonly config?: string | undefined;
  /** Measured layer times; left out: the roofline of the GPU's record. */
  readonly profile?: ProfileFiles | undefined;
}

/** Ranks of the recorded engine, for which a profile needs tables. @throws RecordedError */
export function recordedTensorParallel(meta: string): number {
  return readMeta(readJson('meta.json', meta)).engine_kwargs.tensor_parallel_size ?? 1;
}

/** @throws RecordedError, ProfileError, TraceError, StalledError: each one sentence */
export function replayRecorded(texts: RecordedTexts): ReplayReport {
  const meta = readMeta(readJson('meta.json', texts.meta));
  const recorded = readRequests(texts.requests);
  const trace = recordedPart(readTrace(texts.workload), recorded);
  const config = texts.config === undefined ? undefined : readJson('config.json', texts.config);
  const described = describeMachine(config, meta.model);
  const ranks = meta.engine_kwargs.tensor_parallel_size ?? 1;
  const profile = texts.profile ? readLayerProfile(texts.profile, ranks) : null;
  const gpu = gpuOf([meta.hardware?.device_name, profile?.gpu, described.gpu], described.bandwidthGBps);
  const model = modelOf(meta.model, described);
  const settings = replaySettings(meta, {
    model,
    memoryBytes: memoryOf(meta, described.memoryBytes, gpu),
  });
  const cost = costOf(settings, profile, meta, { model, gpu, described });
  const requests = tableOf(trace, settings.blockSize);
  const run = simulateEngine(requests, settings, cost);

  const measured = measuredTimes(recorded);
  const predicted = predictedTimes(run, requests.outputTokens);
  const samples = {
    predicted: samplesOf(predicted, measured),
    measured: samplesOf(measured, predicted),
  };
  if (samples.measured.e2eMs.length === 0) throw new RecordedError('No request of the recording ended.');
  const latencies = {
    predicted: latenciesOf(samples.predicted),
    measured: latenciesOf(samples.measured),
  };
  const series = allSeries(texts.timeseries, measured, run, settings);
  return {
    model: model.name,
    gpu: gpu?.name ?? profile?.gpu ?? described.gpu ?? 'unknown GPU',
    vllmVersion: meta.vllm_version,
    requests: requests.size,
    costModel: { name: cost.name, about: cost.about, basis: { ...cost.basis } },
    kvBlocks: { value: settings.kvBlocks, origin: settings.kvBlocksOrigin },
    ...latencies,
    errorPercent: {
      ...latencyErrors(latencies.predicted, latencies.measured),
      ...Object.fromEntries(Object.entries(series).map(([name, { errorPercent }]) => [name, errorPercent])),
    },
    series,
    samples,
    steps: run.steps,
    preemptions: run.preemptions,
    notes: notesOf(settings, profile, meta, measured),
  };
}

function simulateEngine(requests: RequestTable, settings: ReplaySettings, cost: CostModel): EngineRun {
  const { blockSize, kvBlocks, prefixCaching, asyncScheduling } = settings;
  // vLLM never gives out block 0, its placeholder.
  const numBlocks = kvBlocks - 1;
  const manager = new BlockManager({ numBlocks, blockSize, requests, prefixCaching });
  for (let row = 0; row < requests.size; row++) {
    const tokens = (requests.promptTokens[row] ?? 0) + (requests.outputTokens[row] ?? 0);
    if (manager.blocksFor(tokens) <= numBlocks) continue;
    throw new RecordedError(
      `Request ${row} needs ${manager.blocksFor(tokens)} blocks for its ${tokens} tokens; the engine has ${numBlocks}.`,
    );
  }
  const scheduler = new VllmScheduler({
    manager,
    sequences: new Sequences(requests, blockSize),
    tokenBudget: settings.tokenBudget,
    maxSequences: settings.maxSequences,
    longPrefillTokens: settings.longPrefillTokens,
    priorities: 'fcfs',
    watermarkBlocks: 0,
    reserveFullPrompt: settings.reserveFullPrompt,
    ahead: asyncScheduling,
  });
  return runEngine({ requests, scheduler, manager, cost, depth: asyncScheduling ? 2 : 1 });
}

interface Place {
  readonly model: Architecture;
  readonly gpu: GpuRecord | undefined;
  readonly described: MachineDescription;
}

function costOf(
  settings: ReplaySettings,
  profile: LayerProfile | null,
  meta: RecordedMeta,
  { model, gpu, described }: Place,
): CostModel {
  if (profile) {
    if (!sameModel(profile.model, meta.model)) {
      throw new RecordedError(`The profile is of ${profile.model}; the run was of ${meta.model}.`);
    }
    const allReduce = allReduceBetween(settings.tensorParallel, described, gpu);
    const { graphSizes, expertParallel } = settings;
    return new TableCost(profile, { model, graphSizes, allReduce, expertParallel });
  }
  if (!gpu) {
    throw new RecordedError('The recording names no GPU that is known; name a profile with --profile.');
  }
  return rooflineOf(settings, model, gpu);
}

function rooflineOf(settings: ReplaySettings, model: Architecture, gpu: GpuRecord): CostModel {
  const scenario = {
    hardware: {
      gpu: gpu.id,
      tensorParallel: settings.tensorParallel,
      pipelineParallel: 1,
      memoryUtilization: 0.9,
      kvBlocks: settings.kvBlocks,
    },
    engine: {
      scheduler: 'vllm' as const,
      blockSize: settings.blockSize,
      kvFormat: settings.kvFormat,
      weights: 'bf16' as const,
      tokenBudget: settings.tokenBudget,
      maxSequences: settings.maxSequences,
      batchWaitMs: 0,
      maxModelTokens: 0,
      longPrefillTokens: settings.longPrefillTokens,
      priorities: 'fcfs' as const,
      preemption: 'recompute' as const,
      watermark: 0,
      reserveFullPrompt: settings.reserveFullPrompt,
      prefixCache: settings.prefixCaching ? ('hash' as const) : ('off' as const),
      cachePolicy: 'lru' as const,
      speculation: null,
    },
  };
  // No host time: with async scheduling the host works while the GPU computes the step before.
  const settingsOfModel = {
    kind: 'roofline' as const,
    computeEfficiency: null,
    memoryEfficiency: null,
    overheadMs: 0,
  };
  return createRoofline(settingsOfModel, { scenario, model, gpu });
}

function allSeries(
  timeseries: string | undefined,
  measured: Parameters<typeof clockOffsetSeconds>[1],
  run: EngineRun,
  settings: ReplaySettings,
): Partial<Record<ReplaySeriesName, ReplaySeries>> {
  if (timeseries === undefined) return {};
  const ticks = readTicks(timeseries);
  const offset = clockOffsetSeconds(ticks, measured, settings.tickSeconds);
  const series: Partial<Record<ReplaySeriesName, ReplaySeries>> = {};
  for (const name of REPLAY_SERIES) {
    const scale = name === 'kvUsagePercent' ? 100 / (settings.kvBlocks - 1) : 1;
    const one = seriesOf(name, ticks, offset, run.states, scale);
    if (one) series[name] = one;
  }
  return series;
}

function notesOf(
  settings: ReplaySettings,
  profile: LayerProfile | null,
  meta: RecordedMeta,
  measured: readonly unknown[],
): string[] {
  const notes: string[] = [];
  if (settings.kvBlocksOrigin === 'derived') {
    notes.push(
      'The recording has no KV blocks: they are memory × utilization − weights, what activations take not counted.',
    );
  }
  if (profile?.vllmVersion && profile.vllmVersion !== meta.vllm_version) {
    notes.push(`The profile was measured in vLLM ${profile.vllmVersion}, the run in ${meta.vllm_version}.`);
  }
  const lost = measured.filter((request) => request === null).length;
  if (lost > 0) notes.push(`${lost} requests of the recording did not end; they are in no distribution.`);
  return notes;
}
