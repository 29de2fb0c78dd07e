/** A tuning from the command line: a preset or a file, then the flags, then --set. */
import {
  applyAssignments,
  DEFAULT_TUNING,
  findGpu,
  NAMED_PROFILES,
  parseRun,
  parseTuning,
  presetTuning,
  resolveTuning,
  TUNE_AXES,
  TUNE_EXECUTORS,
  TUNE_PRESETS,
  type TuneRun,
  type TuneScenario,
} from '../index.ts';
import { readFileSync } from 'node:fs';
import type { Invocation } from './arguments.ts';
import { InputError } from './errors.ts';
import { realNumber, wholeNumber } from './numbers.ts';
import { readScenarioText } from './scenario.ts';

/** @throws InputError */
export function loadTuning(invocation: Invocation): TuneScenario {
  const base = baseOf(invocation);
  const parsed = parseTuning({ version: 1, kind: 'tune', ...layerOf(invocation, base) }, base);
  if (!parsed.ok) throw new InputError(parsed.sentence);
  const { set, seed } = invocation;
  const changed = applyAssignments(spelledOut(titled(parsed.scenario), set), [
    ...set,
    ...(seed === null ? [] : [`seed=${seed}`]),
  ]);
  if (!changed.ok) throw new InputError(changed.sentence);
  return changed.scenario;
}

/** What a path of --set leads to has to be there: the baseline and the space as they will be, every axis by name. */
function spelledOut(scenario: TuneScenario, set: readonly string[]): TuneScenario {
  const { baseline, space } = resolveTuning(scenario);
  const names = (what: string): boolean => set.some((text) => text.startsWith(`${what}.`));
  const axes = TUNE_AXES.map((axis) => [axis, space[axis] ?? [baseline[axis]]] as const);
  return {
    ...scenario,
    ...(names('baseline') ? { baseline } : {}),
    ...(names('space') ? { space: Object.fromEntries(axes) } : {}),
  };
}

const WHERE: Readonly<Partial<Record<TuneScenario['executor'], string>>> = {
  kernels: 'this GPU',
  engine: 'this GPU',
  endpoint: 'a server',
};

/** A tuning that was made from flags alone is called by what they say. */
function titled(scenario: TuneScenario): TuneScenario {
  if (scenario.title !== DEFAULT_TUNING.title) return scenario;
  const { models, profile } = resolveTuning(scenario);
  const where = WHERE[scenario.executor] ?? scenario.hardware.gpu;
  return { ...scenario, title: `${models.join(', ')} on ${where}, ${profile.name}`.slice(0, 120) };
}

function baseOf({ scenario: name }: Invocation): TuneScenario {
  if (name === null) return DEFAULT_TUNING;
  if (TUNE_PRESETS.some((preset) => preset.name === name)) return presetTuning(name);
  const parsed = parseTuning(readScenarioText(name, 'tune'));
  if (!parsed.ok) throw new InputError(`${name}: ${parsed.sentence}`);
  return parsed.scenario;
}

function named<T extends string>(flag: string, text: string | null, known: readonly T[]): T | undefined {
  if (text === null) return undefined;
  const found = known.find((one) => one === text.toLowerCase());
  if (found !== undefined) return found;
  throw new InputError(`${flag} is “${text.slice(0, 40)}”; there are ${known.join(', ')}.`);
}

function lengths(flag: string, text: string | null): number[] | undefined {
  return text?.split(',').map((part) => wholeNumber(flag, part.trim(), 1, 10_000_000));
}

/** What flags say; what they do not say stays. */
function layerOf({ given, profile: asked, lowPower, weights }: Invocation, base: TuneScenario): object {
  const profile = named('--profile', asked, [...NAMED_PROFILES, 'custom'] as const);
  const contexts = lengths('--contexts', given('contexts'));
  const outputs = lengths('--outputs', given('outputs'));
  const executor = named('--executor', given('executor'), TUNE_EXECUTORS);
  const [gpu, tp, seconds] = [given('gpu'), given('tp'), given('seconds')];
  return {
    ...(executor === undefined ? {} : { executor }),
    ...modelLayer(given('model'), executor ?? base.executor),
    hardware: {
      ...(gpu === null ? {} : { gpu: findGpu(gpu)?.id ?? gpu }),
      ...(tp === null ? {} : { tensorParallel: wholeNumber('--tp', tp, 1, 64) }),
      ...(lowPower ? { adapter: 'low-power' } : {}),
    },
    profile: {
      // A named profile takes the place of all that the scenario's own says.
      ...(profile === undefined ? {} : { name: profile, contexts: null, outputs: null, weights: null }),
      ...(contexts === undefined ? {} : { contexts }),
      ...(outputs === undefined ? {} : { outputs }),
    },
    ...(weights === null
      ? {}
      : { baseline: { ...base.baseline, weights: weightsOf(weights, executor ?? base.executor) } }),
    ...(seconds === null ? {} : { budget: { seconds: realNumber('--seconds', seconds, 1, 1e6) } }),
  };
}

/** Engines' names of a format as the executor's own. */
function weightsOf(text: string, executor: TuneScenario['executor']): string {
  const wanted = text.toLowerCase();
  const half = ['fp16', 'f16', 'float16', 'bfloat16', 'bf16'].includes(wanted);
  return half ? (executor === 'simulator' ? 'bf16' : 'f16') : wanted;
}

/** Records of the simulator and the kernels by name, several by commas; the engine's model is a folder and loaded by it. */
function modelLayer(text: string | null, executor: TuneScenario['executor']): object {
  if (text === null || executor === 'engine') return {};
  return { models: text.split(',').map((name) => name.trim()) };
}

/** The run of a tuning that was stopped. @throws InputError */
export function readTuneRun(path: string): TuneRun {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw new InputError(`${path} can't be read; name the run.json that kvlab tune --out wrote.`);
  }
  const parsed = parseRun(text);
  if (!parsed.ok) throw new InputError(`${path}: ${parsed.sentence}`);
  if (parsed.run.kind === 'tune') return parsed.run;
  throw new InputError(`${path} holds a run of the kind ${parsed.run.kind}; a tuning's is needed.`);
}
