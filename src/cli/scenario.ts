/** A scenario from the command line: the name of an experiment or a file, with `--set` applied. */
import { readFileSync, statSync } from 'node:fs';
import { applyAssignments, parseScenario, presetScenario, PRESETS, type Scenario } from '../index.ts';
import { InputError } from './errors.ts';

const MAX_FILE_BYTES = 1_000_000;

/** @throws InputError */
export function loadScenario(name: string, assignments: readonly string[]): Scenario {
  const isPreset = PRESETS.some((preset) => preset.name === name);
  const scenario = isPreset ? presetScenario(name) : scenarioFromFile(name);
  const changed = applyAssignments(scenario, assignments);
  if (!changed.ok) throw new InputError(changed.sentence);
  const idle = changed.scenario.sweep.find(({ path }) =>
    assignments.some((text) => text.startsWith(`${path}=`)),
  );
  if (!idle) return changed.scenario;
  throw new InputError(
    `${idle.path} is swept by this scenario, so setting it changes nothing; set sweep=[] as well for a single point.`,
  );
}

function scenarioFromFile(path: string): Scenario {
  const parsed = parseScenario(readText(path));
  if (!parsed.ok) throw new InputError(`${path}: ${parsed.sentence}`);
  return parsed.scenario;
}

function readText(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > MAX_FILE_BYTES) {
      throw new InputError(`${path} has ${size} bytes; a scenario file has at most ${MAX_FILE_BYTES}.`);
    }
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(noSuchScenario(path, error));
  }
}

function noSuchScenario(path: string, error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : '';
  if (code !== 'ENOENT') return `${path} can't be read (${String(code)}); name a readable scenario file.`;
  const names = PRESETS.map((preset) => preset.name).join(', ');
  return `There is no file and no experiment “${path}”; the experiments are ${names}.`;
}
