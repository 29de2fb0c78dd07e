/**
 * Settings of a tuning as a simulation of one cell.
 *
 * An engine is started for the longest cell of the profile. A cache that grows is served by static batches, as by engines without pages: nobody joins a batch that runs. A reserved
 * one takes the longest text that the cell may have. A sliding window is a property of the model's layers here, so one can
 * not be put on a model that has none.
 */
import { DEFAULT_SIMULATION } from '../simulate/defaults.ts';
import { simContradiction } from '../simulate/rules.ts';
import {
  SIM_KV_FORMATS,
  SIM_WEIGHT_FORMATS,
  type SchedulerName,
  type SimScenario,
} from '../simulate/schema.ts';
import type { TuneCell } from './profiles.ts';
import type { Tuning } from './resolved.ts';
import type { CacheStrategy, TuneSettings } from './schema.ts';
import { cellWorkload } from './workload.ts';

const SCHEDULERS: Readonly<Record<Exclude<CacheStrategy, 'sliding-window'>, SchedulerName>> = {
  paged: 'vllm',
  reserved: 'orca',
  growing: 'static',
};

/** Host memory that takes evicted blocks, and its link: PCIe 5 ×16, one direction. Assumed. */
const HOST_TIER = { kind: 'host', capacityGB: 64, bandwidthGBps: 50, latencyUs: 10, shared: false } as const;

export type MadeSimulation =
  { readonly ok: true; readonly scenario: SimScenario } | { readonly ok: false; readonly sentence: string };

/**
 * The simulation of some settings in a cell, or why there is none.
 * @param longest prompt and output of the longest request that the engine is started for
 */
export function simulationOf(
  tuning: Pick<Tuning, 'scenario' | 'load'>,
  settings: TuneSettings,
  cell: TuneCell,
  longest = cell.context + cell.output,
): MadeSimulation {
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
      maxModelTokens: longest,
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

function refused(sentence: string): MadeSimulation {
  return { ok: false, sentence: tunersWords(sentence) };
}

/** A simulation's settings are the tuner's under other names: a refusal's remedy must be one that a tuning has. */
export function tunersWords(sentence: string): string {
  return sentence
    .replaceAll('engine.prefixCache', 'baseline.prefixCaching')
    .replaceAll(/\bengine\.(weights|kvFormat|blockSize|tokenBudget|maxSequences)\b/g, 'baseline.$1');
}
