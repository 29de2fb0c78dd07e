/** Settings of a tuning as a run of the serving lab: a real model on the engine, in one cell. */
import { KV_FORMATS } from '../../kv/formats.ts';
import { DEFAULT_SERVING } from '../serve/defaults.ts';
import { serveContradiction } from '../serve/rules.ts';
import { SERVE_TIERS, SERVE_WEIGHTS, type ServeBackend, type ServeScenario } from '../serve/schema.ts';
import type { TuneCell } from './profiles.ts';
import type { Tuning } from './resolved.ts';
import type { TuneSettings } from './schema.ts';
import { cellWorkload } from './workload.ts';

export type MadeServing =
  { readonly ok: true; readonly scenario: ServeScenario } | { readonly ok: false; readonly sentence: string };

/** Host memory for KV that leaves the GPU. */
const HOST_MEGABYTES = 64;

function refused(sentence: string): MadeServing {
  return { ok: false, sentence };
}

/** Which backend has a cache of this kind, or why there is none. */
function backendOf({ strategy, backend }: TuneSettings): ServeBackend | string {
  if (backend === 'transformers.js') {
    return strategy === 'growing'
      ? 'transformers'
      : `The cache of transformers.js grows with its sequence; ${strategy} is ours.`;
  }
  if (strategy === 'growing') return 'A cache that grows is transformers.js’s; ours are paged or reserved.';
  return strategy === 'reserved' ? 'contiguous' : 'paged';
}

function isBackend(found: string): found is ServeBackend {
  return found === 'paged' || found === 'contiguous' || found === 'transformers';
}

/** Tokens that a sequence keeps: the window's, an eviction's, or all of them. */
export function keptTokens({ strategy, eviction, evictionTokens }: TuneSettings, longest: number): number {
  const evicts = strategy === 'sliding-window' || eviction !== 'none';
  return evicts && evictionTokens > 0 ? Math.min(evictionTokens, longest) : longest;
}

/**
 * The pool is as large as the candidate needs for its batch at full length.
 * Eviction and windows are no settings of a serving scenario; whoever runs it gives them to the engine.
 * @param longest prompt and output of the longest request that the engine is started for
 */
export function servingOf(
  tuning: Pick<Tuning, 'scenario' | 'load'>,
  settings: TuneSettings,
  cell: TuneCell,
  longest = cell.context + cell.output,
): MadeServing {
  const kvFormat = KV_FORMATS.find((known) => known === settings.kvFormat);
  const weights = SERVE_WEIGHTS.find((known) => known === settings.weights);
  const tier = SERVE_TIERS.find((known) => known === settings.tier);
  const backend = backendOf(settings);
  if (kvFormat === undefined) return refused(`The engine has no KV format ${settings.kvFormat}.`);
  if (weights === undefined) return refused(`The engine has no weight format ${settings.weights}.`);
  if (tier === undefined) return refused(`The engine has no tier ${settings.tier}.`);
  if (!isBackend(backend)) return refused(backend);
  const perSequence = Math.ceil((longest + settings.blockSize) / settings.blockSize);
  const scenario: ServeScenario = {
    ...DEFAULT_SERVING,
    title: tuning.scenario.title,
    model: cell.model,
    weights,
    hardware: { adapter: tuning.scenario.hardware.adapter },
    engine: {
      ...DEFAULT_SERVING.engine,
      kvFormat,
      blockSize: settings.blockSize,
      blocks: perSequence * settings.maxSequences,
      maxSequences: settings.maxSequences,
      tokenBudget: settings.tokenBudget,
      longPrefillTokens: Math.min(settings.chunkTokens, 65_536),
      maxContextTokens: longest,
      prefixCaching: settings.prefixCaching,
      tier,
      offload: settings.offload,
      hostMegabytes: settings.offload === 'host' ? HOST_MEGABYTES : 0,
    },
    workload: cellWorkload(tuning.load, cell),
    backends: [backend],
    ttft: null,
    measurement: { repeats: 1, calibrationRepeats: 0, warmupRepeats: 0 },
  };
  const sentence = serveContradiction(scenario);
  return sentence === null ? { ok: true, scenario } : refused(sentence);
}
