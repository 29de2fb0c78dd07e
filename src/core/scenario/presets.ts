/**
 * The experiments in `scenarios/`, as partial layers over the defaults; the file's name is the preset's.
 *
 * Boundary: data only. A new experiment is a new file there and a line here; nothing else knows their names.
 */
import blockSize from '../../../scenarios/block-size.json' with { type: 'json' };
import concurrencyLlama from '../../../scenarios/concurrency-llama-3.2-1b.json' with { type: 'json' };
import concurrencyOpt from '../../../scenarios/concurrency-opt-1.3b.json' with { type: 'json' };
import evictionBudget from '../../../scenarios/eviction-budget.json' with { type: 'json' };
import kvFormatLength from '../../../scenarios/kv-format-length.json' with { type: 'json' };
import mixedLlama from '../../../scenarios/mixed-lengths-llama-3.2-1b.json' with { type: 'json' };
import mixedOpt from '../../../scenarios/mixed-lengths-opt-1.3b.json' with { type: 'json' };
import pagedLlama from '../../../scenarios/paged-vs-contiguous-llama-3.2-1b.json' with { type: 'json' };
import pagedOpt from '../../../scenarios/paged-vs-contiguous-opt-1.3b.json' with { type: 'json' };
import lengthLlama from '../../../scenarios/sequence-length-llama-3.2-1b.json' with { type: 'json' };
import lengthOpt from '../../../scenarios/sequence-length-opt-1.3b.json' with { type: 'json' };
import sharedPrefix from '../../../scenarios/shared-prefix.json' with { type: 'json' };
import type { JsonObject } from '../json.ts';
import { parseScenario } from './parse.ts';
import type { Scenario } from './schema.ts';

export interface Preset {
  readonly name: string;
  readonly layer: JsonObject;
}

const LAYERS: Record<string, JsonObject> = {
  'concurrency-llama-3.2-1b': concurrencyLlama,
  'sequence-length-llama-3.2-1b': lengthLlama,
  'mixed-lengths-llama-3.2-1b': mixedLlama,
  'paged-vs-contiguous-llama-3.2-1b': pagedLlama,
  'concurrency-opt-1.3b': concurrencyOpt,
  'sequence-length-opt-1.3b': lengthOpt,
  'mixed-lengths-opt-1.3b': mixedOpt,
  'paged-vs-contiguous-opt-1.3b': pagedOpt,
  'kv-format-length': kvFormatLength,
  'block-size': blockSize,
  'shared-prefix': sharedPrefix,
  'eviction-budget': evictionBudget,
};

/** In the order a visitor meets them. */
export const PRESETS: readonly Preset[] = Object.entries(LAYERS).map(([name, layer]) => ({ name, layer }));

export function findPreset(name: string, presets: readonly Preset[] = PRESETS): Preset | undefined {
  return presets.find((preset) => preset.name === name);
}

/** The complete scenario of a preset. @throws RangeError for an unknown name or a layer that does not parse. */
export function presetScenario(name: string, presets: readonly Preset[] = PRESETS): Scenario {
  const preset = findPreset(name, presets);
  if (!preset)
    throw new RangeError(
      `There is no experiment “${name}”; known: ${presets.map((p) => p.name).join(', ')}.`,
    );
  const parsed = parseScenario(preset.layer);
  if (!parsed.ok) throw new RangeError(`scenarios/${name}.json: ${parsed.sentence}`);
  return parsed.scenario;
}
