/** Makes the plant of an autopilot on the real engine: engine, book, limits, requests, and the engine of copies. */
import { KV_FORMATS, kvBytesPerTokenPerLayer, type KvFormat } from '../../core/kv/formats.ts';
import type { AutopilotScenario } from '../../core/scenario/autopilot/schema.ts';
import { generateRequests } from '../../core/workload/generate.ts';
import { createEngine } from '../../engine/engine.ts';
import type { EngineSettings } from '../../engine/engine-types.ts';
import { cacheShape } from '../../engine/kv-cache.ts';
import type { ModelOnGpu } from '../../lab/model/context.ts';
import { checkRequests, engineSettings } from '../../lab/serving/settings.ts';
import { KvBook } from '../book/book.ts';
import { ActionError } from '../plant.ts';
import { EngineLimits } from './limits.ts';
import { EnginePlant } from './plant.ts';
import { scriptFor } from './prompts.ts';
import { EngineShadow } from './shadow.ts';
import { Traffic } from './traffic.ts';

export interface EnginePlantOptions {
  /** False: the same requests without anybody who acts; nothing is made for copies then. */
  readonly autopilot: boolean;
  /** Milliseconds on a clock that only goes forward. */
  readonly now: () => number;
  readonly signal?: AbortSignal;
}

/** Latencies and rates are told of so many looks together. */
const WINDOW_LOOKS = 10;
/** Host memory where the scenario names none: so many times the KV budget. Assumed. */
const ASSUMED_HOST_BUDGETS = 4;
/** Blocks of the reserve for each one of the budget: what int8 in a pool of f32 can save, no more. */
const SPARE_SHARE = 3;

/** @throws ActionError, EngineSettingsError, UnsupportedError, GpuOutOfMemoryError; nothing is kept then */
export async function createEnginePlant(
  on: Pick<ModelOnGpu, 'gpu' | 'model'>,
  scenario: AutopilotScenario,
  { autopilot, now, signal = new AbortController().signal }: EnginePlantOptions,
): Promise<EnginePlant> {
  const { serving, policy, controlMs } = scenario;
  const { gpu, model } = on;
  if (serving.engine.kvFormat === 'int2')
    throw new ActionError(
      'serving.engine.kvFormat is int2, and nothing is smaller; an autopilot needs a pool of a wider format, such as f16.',
    );
  const settings = plantSettings(scenario, model.config, autopilot);
  const requests = generateRequests(serving, null);
  checkRequests(requests, settings.maxContextTokens, model.config.name);
  const shape = cacheShape(model.config, settings.blockSize);
  const bytesPerToken = (format: KvFormat): number =>
    kvBytesPerTokenPerLayer(format, shape) * model.config.layers;
  const budgetBytes = settings.numBlocks * settings.blockSize * bytesPerToken(settings.kvFormat);
  const hostBudgetBytes = hostBytes(scenario, budgetBytes);
  const book = new KvBook({
    native: settings.kvFormat,
    bytesPerToken,
    capacity: { hbm: Infinity, ...(hostBudgetBytes > 0 ? { host: hostBudgetBytes } : {}) },
  });
  let use = (): number => 0;
  const limits = new EngineLimits(settings, () => use());
  const engine = await createEngine(gpu, model, settings, { now, timed: false, limits });
  try {
    const shadow = autopilot ? await EngineShadow.create(on, settings, now) : null;
    const script = scriptFor(serving, requests, model.config, serving.seed);
    const traffic = new Traffic({ engine, requests, script, now, windowMs: WINDOW_LOOKS * controlMs });
    const notes = notesOf(scenario, settings, hostBudgetBytes > 0 && policy.tiers.includes('host'));
    const plant = new EnginePlant({
      ...{ engine, scenario, book, limits, traffic, shadow, hostBudgetBytes, notes, signal },
    });
    use = () => plant.telemetry().kvUse;
    return plant;
  } catch (error) {
    engine.destroy();
    throw error;
  }
}

function plantSettings(
  { serving }: AutopilotScenario,
  config: ModelOnGpu['model']['config'],
  autopilot: boolean,
): EngineSettings {
  const settings = engineSettings(serving, 'paged', config);
  return {
    ...settings,
    // What a preempted sequence loses is computed again: host memory is for what the autopilot offloads.
    offload: 'none',
    hostBytes: 0,
    spareBlocks: autopilot ? SPARE_SHARE * settings.numBlocks : 0,
  };
}

function hostBytes({ serving, policy }: AutopilotScenario, budgetBytes: number): number {
  if (!policy.tiers.includes('host')) return 0;
  const { offload, hostMegabytes } = serving.engine;
  return offload === 'host' ? hostMegabytes * 1e6 : ASSUMED_HOST_BUDGETS * budgetBytes;
}

function notesOf({ serving }: AutopilotScenario, settings: EngineSettings, hasHost: boolean): string[] {
  const { kvFormat } = settings;
  const smaller = KV_FORMATS.slice(KV_FORMATS.indexOf(kvFormat) + 1).join(', ');
  const notes = [
    `Quantized blocks hold exactly what their format gives back (${smaller}), in buffers that keep ${kvFormat}: the bytes that they save are booked, and given out as blocks of a reserve that was allocated beside the budget.`,
    'Evicted and offloaded blocks really leave the sequences and are given to others. A sequence with KV in host memory stands still until it is back.',
    'Copies are tried on the same GPU between two steps, and requests wait meanwhile: that time is in their latencies.',
  ];
  if (hasHost && serving.engine.offload !== 'host')
    notes.push(`Host memory for offloaded KV is assumed: ${ASSUMED_HOST_BUDGETS} times the KV budget.`);
  return notes;
}
