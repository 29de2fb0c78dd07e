/** An autopilot's scenario from the command line: a preset, a file or the default, with flags and `--policy` applied. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import {
  AUTOPILOT_PRESETS,
  DEFAULT_AUTOPILOT,
  parseAutopilot,
  POLICY_PRESETS,
  readPolicy,
  type AutopilotPolicy,
  type AutopilotScenario,
  type ParsedAutopilot,
} from '../autopilot/index.ts';
import { applyAssignments } from '../index.ts';
import type { Invocation } from './arguments.ts';
import { InputError } from './errors.ts';
import { readScenarioText } from './scenario.ts';

const MAX_FILE_BYTES = 2_000_000;

/** A small text file that a flag names. @throws InputError */
export function readTextFile(path: string, flag: string): string {
  try {
    const { size } = statSync(path);
    if (size > MAX_FILE_BYTES)
      throw new InputError(`${path} has ${size} bytes; ${flag} takes a file of at most ${MAX_FILE_BYTES}.`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof InputError) throw error;
    const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
    throw new InputError(`${path} can't be read (${code}); ${flag} names a readable file.`);
  }
}

function taken(parsed: ParsedAutopilot, name: string): AutopilotScenario {
  if (parsed.ok) return parsed.scenario;
  throw new InputError(name === '' ? parsed.sentence : `${name}: ${parsed.sentence}`);
}

/** @throws InputError */
function policyOf(name: string): AutopilotPolicy {
  const preset = POLICY_PRESETS.find((known) => known.name === name);
  if (preset) return preset.policy;
  if (!existsSync(name)) {
    const names = POLICY_PRESETS.map((known) => known.name).join(', ');
    throw new InputError(`There is no file and no policy “${name}”; the policies are ${names}.`);
  }
  const read = readPolicy(readTextFile(name, '--policy'));
  if (read.ok) return read.value;
  throw new InputError(`${name}: ${read.sentence}`);
}

/** @throws InputError in one sentence */
export function loadAutopilot(invocation: Invocation): AutopilotScenario {
  const { scenario: name, set, seed, policy } = invocation;
  const preset = AUTOPILOT_PRESETS.find((known) => known.name === name);
  const base =
    name === null || name === 'default'
      ? DEFAULT_AUTOPILOT
      : preset
        ? taken(parseAutopilot(preset.layer), name)
        : taken(parseAutopilot(readScenarioText(name, 'autopilot')), name);
  const steered = policy === null ? base : { ...base, policy: policyOf(policy) };
  const chosen = { ...steered, dryRun: base.dryRun || invocation.given('dry-run') !== null };
  return taken(applyAssignments(chosen, [...set, ...(seed === null ? [] : [`seed=${seed}`])]), '');
}
