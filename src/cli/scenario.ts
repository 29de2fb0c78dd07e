/** A scenario from the command line: the name of a preset or a file, with `--set` applied. */
import { readFileSync, statSync } from 'node:fs';
import {
  applyAssignments,
  LAB_PRESETS,
  parseQuality,
  parseScenario,
  parseServing,
  parseSimulation,
  presetQuality,
  presetScenario,
  presetServing,
  presetSimulation,
  PRESETS,
  QUALITY_PRESETS,
  SERVE_PRESETS,
  type ParsedScenario,
  type ParsedSimulation,
  type QualityScenario,
  type Scenario,
  type ScenarioKind,
  type ServeScenario,
  type SimScenario,
} from '../index.ts';
import { InputError } from './errors.ts';

const MAX_FILE_BYTES = 1_000_000;

/** An experiment of the laboratory. @throws InputError */
export function loadScenario(name: string, assignments: readonly string[]): Scenario {
  const isPreset = LAB_PRESETS.some((preset) => preset.name === name);
  const scenario = isPreset
    ? presetScenario(name)
    : taken(parseScenario(ofLesson(readScenarioText(name))), name);
  return settled(applyAssignments(scenario, assignments), assignments);
}

/** A simulation. @throws InputError */
export function loadSimulation(name: string, assignments: readonly string[]): SimScenario {
  const preset = PRESETS.find((known) => known.name === name);
  if (preset?.kind === 'lab') {
    throw new InputError(`“${name}” is an experiment on a GPU; run it with measure, or name a simulation.`);
  }
  const scenario = preset
    ? presetSimulation(name)
    : taken(parseSimulation(ofLesson(readScenarioText(name, 'simulate'))), name);
  return settled(applyAssignments(scenario, assignments), assignments);
}

/** A quality experiment. @throws InputError */
export function loadQuality(name: string, assignments: readonly string[]): QualityScenario {
  const isPreset = QUALITY_PRESETS.some((preset) => preset.name === name);
  const scenario = isPreset
    ? presetQuality(name)
    : taken(parseQuality(readScenarioText(name, 'quality')), name);
  const changed = applyAssignments(scenario, assignments);
  if (!changed.ok) throw new InputError(changed.sentence);
  return changed.scenario;
}

/** A serving run of a real model. @throws InputError */
export function loadServing(name: string, assignments: readonly string[]): ServeScenario {
  const isPreset = SERVE_PRESETS.some((preset) => preset.name === name);
  const scenario = isPreset
    ? presetServing(name)
    : taken(parseServing(readScenarioText(name, 'serve')), name);
  const changed = applyAssignments(scenario, assignments);
  if (!changed.ok) throw new InputError(changed.sentence);
  refuseIdle(changed.scenario.sweep, assignments);
  return changed.scenario;
}

function taken<T extends Scenario | SimScenario | ServeScenario | QualityScenario>(
  parsed: { readonly ok: true; readonly scenario: T } | { readonly ok: false; readonly sentence: string },
  path: string,
): T {
  if (!parsed.ok) throw new InputError(`${path}: ${parsed.sentence}`);
  return parsed.scenario;
}

function settled(changed: ParsedScenario, assignments: readonly string[]): Scenario;
function settled(changed: ParsedSimulation, assignments: readonly string[]): SimScenario;
function settled(
  changed: ParsedScenario | ParsedSimulation,
  assignments: readonly string[],
): Scenario | SimScenario {
  if (!changed.ok) throw new InputError(changed.sentence);
  refuseIdle(changed.scenario.sweep, assignments);
  return changed.scenario;
}

/** A swept setting that is set as well would change nothing. @throws InputError */
function refuseIdle(axes: readonly { readonly path: string }[], assignments: readonly string[]): void {
  const idle = axes.find(({ path }) =>
    assignments.some((text) => text.startsWith(`${path}=`) || text.startsWith(`${path}.`)),
  );
  if (!idle) return;
  throw new InputError(
    `${idle.path} is swept by this scenario, so setting it changes nothing; set sweep=[] as well for a single point.`,
  );
}

/** The scenario inside a lesson's file; any other text as it is, for the scenario's door to judge. */
function ofLesson(text: string): unknown {
  try {
    const document: unknown = JSON.parse(text);
    const isLesson =
      typeof document === 'object' && document !== null && 'kind' in document && document.kind === 'lesson';
    return isLesson && 'scenario' in document ? document.scenario : text;
  } catch {
    return text;
  }
}

export function readScenarioText(path: string, kind: ScenarioKind = 'lab'): string {
  try {
    const { size } = statSync(path);
    if (size > MAX_FILE_BYTES) {
      throw new InputError(`${path} has ${size} bytes; a scenario file has at most ${MAX_FILE_BYTES}.`);
    }
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(noSuchScenario(path, kind, error));
  }
}

function noSuchScenario(path: string, kind: ScenarioKind, error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : '';
  if (code !== 'ENOENT') return `${path} can't be read (${String(code)}); name a readable scenario file.`;
  const names = PRESETS.filter((preset) => preset.kind === kind).map((preset) => preset.name);
  const what = {
    lab: 'experiment',
    simulate: 'simulation',
    quality: 'quality experiment',
    serve: 'serving run',
    plan: 'plan',
    tune: 'tuning',
    load: 'load',
    autopilot: 'autopilot',
  }[kind];
  return `There is no file and no ${what} “${path}”; the ${what}s are ${names.join(', ')}.`;
}
