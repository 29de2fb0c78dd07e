/**
 * The scenarios in `scenarios/`, as partial layers over the defaults of their kind; the file's name is the preset's.
 *
 * Boundary: data only. A new experiment is a new file there and a line here, a new simulation a line in stories.ts;
 * nothing else knows their names.
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
import { AUTOPILOT_LAYERS } from './autopilot/stories.ts';
import type { AnyScenario, ScenarioKind } from './kinds.ts';
import type { LoadScenario } from './load/schema.ts';
import { LOAD_LAYERS } from './load/stories.ts';
import { parseAnyScenario } from './parse.ts';
import type { AutopilotScenario } from './autopilot/schema.ts';
import type { PlanScenario } from './plan/schema.ts';
import { PLAN_LAYERS } from './plan/stories.ts';
import type { Scenario } from './schema.ts';
import type { ServeScenario } from './serve/schema.ts';
import { SERVING_LAYERS } from './serve/stories.ts';
import type { SimScenario } from './simulate/schema.ts';
import { QUALITY_LAYERS } from './quality/stories.ts';
import type { QualityScenario } from './quality/schema.ts';
import { STORY_LAYERS } from './stories.ts';
import type { TuneScenario } from './tune/schema.ts';
import { TUNE_LAYERS } from './tune/stories.ts';

export interface Preset {
  readonly name: string;
  readonly kind: ScenarioKind;
  readonly layer: JsonObject;
}

const LAB_LAYERS: Record<string, JsonObject> = {
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

function presetsOf(kind: ScenarioKind, layers: Readonly<Record<string, JsonObject>>): Preset[] {
  return Object.entries(layers).map(([name, layer]) => ({ name, kind, layer }));
}

/** Experiments, in the order a visitor meets them. */
export const LAB_PRESETS: readonly Preset[] = presetsOf('lab', LAB_LAYERS);

/** Simulations, in the order a visitor meets them. */
export const SIM_PRESETS: readonly Preset[] = presetsOf('simulate', STORY_LAYERS);

/** Quality experiments, in the order a visitor meets them. */
export const QUALITY_PRESETS: readonly Preset[] = presetsOf('quality', QUALITY_LAYERS);

/** Serving runs of a real model, in the order a visitor meets them. */
export const SERVE_PRESETS: readonly Preset[] = presetsOf('serve', SERVING_LAYERS);

/** Plans, in the order a visitor meets them. */
export const PLAN_PRESETS: readonly Preset[] = presetsOf('plan', PLAN_LAYERS);

/** Tunings, in the order a visitor meets them. */
export const TUNE_PRESETS: readonly Preset[] = presetsOf('tune', TUNE_LAYERS);

/** Loads on a real server, in the order a visitor meets them. */
export const LOAD_PRESETS: readonly Preset[] = presetsOf('load', LOAD_LAYERS);

/** Autopilots, in the order a visitor meets them. */
export const AUTOPILOT_PRESETS: readonly Preset[] = presetsOf('autopilot', AUTOPILOT_LAYERS);

export const PRESETS: readonly Preset[] = [
  ...LAB_PRESETS,
  ...SIM_PRESETS,
  ...QUALITY_PRESETS,
  ...SERVE_PRESETS,
  ...PLAN_PRESETS,
  ...TUNE_PRESETS,
  ...LOAD_PRESETS,
  ...AUTOPILOT_PRESETS,
];

export function findPreset(name: string, presets: readonly Preset[] = PRESETS): Preset | undefined {
  return presets.find((preset) => preset.name === name);
}

/** The complete scenario of a preset. @throws RangeError for an unknown name or a layer that does not parse. */
export function anyPresetScenario(name: string, presets: readonly Preset[] = PRESETS): AnyScenario {
  const preset = findPreset(name, presets);
  if (!preset)
    throw new RangeError(
      `There is no scenario “${name.slice(0, 60)}”; known: ${presets.map((p) => p.name).join(', ')}.`,
    );
  const parsed = parseAnyScenario(preset.layer);
  if (!parsed.ok) throw new RangeError(`scenarios/${name}.json: ${parsed.sentence}`);
  return parsed.scenario;
}

/** The experiment of a preset. @throws RangeError as anyPresetScenario, and for a simulation. */
export function presetScenario(name: string, presets: readonly Preset[] = PRESETS): Scenario {
  const scenario = anyPresetScenario(name, presets);
  if (scenario.kind !== 'lab')
    throw new RangeError(`“${name}” is a simulation; an experiment is needed here.`);
  return scenario;
}

/** The simulation of a preset. @throws RangeError as anyPresetScenario, and for an experiment. */
export function presetSimulation(name: string, presets: readonly Preset[] = PRESETS): SimScenario {
  const scenario = anyPresetScenario(name, presets);
  if (scenario.kind !== 'simulate') {
    throw new RangeError(`“${name}” is an experiment on a GPU; a simulation is needed here.`);
  }
  return scenario;
}

/** The quality experiment of a preset. @throws RangeError as anyPresetScenario, and for another kind. */
export function presetQuality(name: string, presets: readonly Preset[] = PRESETS): QualityScenario {
  const scenario = anyPresetScenario(name, presets);
  if (scenario.kind !== 'quality') {
    throw new RangeError(`“${name}” is of the kind “${scenario.kind}”; a quality experiment is needed here.`);
  }
  return scenario;
}

/** The serving run of a preset. @throws RangeError as anyPresetScenario, and for another kind. */
export function presetServing(name: string, presets: readonly Preset[] = PRESETS): ServeScenario {
  const scenario = anyPresetScenario(name, presets);
  if (scenario.kind !== 'serve') {
    throw new RangeError(`“${name}” is of the kind “${scenario.kind}”; a serving run is needed here.`);
  }
  return scenario;
}

/** The tuning of a preset. @throws RangeError as anyPresetScenario, and for another kind. */
export function presetTuning(name: string, presets: readonly Preset[] = PRESETS): TuneScenario {
  const scenario = anyPresetScenario(name, presets);
  if (scenario.kind !== 'tune') {
    throw new RangeError(`“${name}” is of the kind “${scenario.kind}”; a tuning is needed here.`);
  }
  return scenario;
}

/** The plan of a preset. @throws RangeError as anyPresetScenario, and for another kind. */
export function presetPlan(name: string, presets: readonly Preset[] = PRESETS): PlanScenario {
  const scenario = anyPresetScenario(name, presets);
  if (scenario.kind !== 'plan') {
    throw new RangeError(`“${name}” is of the kind “${scenario.kind}”; a plan is needed here.`);
  }
  return scenario;
}

/** The autopilot of a preset. @throws RangeError as anyPresetScenario, and for another kind. */
export function presetAutopilot(name: string, presets: readonly Preset[] = PRESETS): AutopilotScenario {
  const scenario = anyPresetScenario(name, presets);
  if (scenario.kind !== 'autopilot') {
    throw new RangeError(`“${name}” is of the kind “${scenario.kind}”; an autopilot is needed here.`);
  }
  return scenario;
}

/** The load of a preset. @throws RangeError as anyPresetScenario, and for another kind. */
export function presetLoad(name: string, presets: readonly Preset[] = PRESETS): LoadScenario {
  const scenario = anyPresetScenario(name, presets);
  if (scenario.kind !== 'load') {
    throw new RangeError(`“${name}” is of the kind “${scenario.kind}”; a load is needed here.`);
  }
  return scenario;
}
