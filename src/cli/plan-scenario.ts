/** A plan's scenario from the command line: a preset or a file, then the flags, then --set. */
import { basename } from 'node:path';
import {
  applyAssignments,
  DEFAULT_PLAN,
  parsePlan,
  PLAN_ENGINES,
  PLAN_GOALS,
  PLAN_PRESETS,
  presetPlan,
  type PlanScenario,
} from '../index.ts';
import {
  findGpuRecord,
  noEngine,
  REASONING_NAMES,
  reasoningOutput,
  SPECULATION_NAMES,
  SPECULATION_PRESETS,
} from '../plan/index.ts';
import type { Invocation } from './arguments.ts';
import { InputError } from './errors.ts';
import { realNumber, wholeNumber } from './numbers.ts';
import { modelLayer, namedGpu } from './plan-records.ts';
import { readScenarioText } from './scenario.ts';

/** Names that engines have for a format of the lab. */
const FORMAT_ALIASES: Readonly<Record<string, string>> = {
  fp16: 'bf16',
  f16: 'bf16',
  float16: 'bf16',
  bfloat16: 'bf16',
  auto: 'bf16',
  fp8_e4m3: 'fp8',
  fp8_e5m2: 'fp8',
  q8_0: 'int8',
  q4_0: 'int4',
};

/** @throws InputError */
export function loadPlan(invocation: Invocation): PlanScenario {
  const flagged = ranBy(withFlags(baseOf(invocation), invocation), invocation);
  const changed = applyAssignments(flagged, invocation.set);
  if (!changed.ok) throw new InputError(changed.sentence);
  return changed.scenario;
}

/** The engine of its base where that runs on the GPU, and else one that does; one that is named stays. */
function ranBy(scenario: PlanScenario, { given, scenario: name }: Invocation): PlanScenario {
  const { hardware, engine } = scenario;
  if (given('engine') !== null || name !== null || hardware.gpu === null) return scenario;
  const gpu = findGpuRecord(hardware.gpu);
  const foreign = gpu.ok && noEngine(gpu.value, engine.name) !== null;
  return foreign ? { ...scenario, engine: { ...engine, name: 'llama.cpp' } } : scenario;
}

function baseOf({ scenario: name }: Invocation): PlanScenario {
  if (name === null) return DEFAULT_PLAN;
  if (PLAN_PRESETS.some((preset) => preset.name === name)) return presetPlan(name);
  const parsed = parsePlan(readScenarioText(name, 'plan'));
  if (!parsed.ok) throw new InputError(`${name}: ${parsed.sentence}`);
  return parsed.scenario;
}

function format(text: string | null): string | undefined {
  return text === null ? undefined : (FORMAT_ALIASES[text.toLowerCase()] ?? text.toLowerCase());
}

/** What flags say, as a layer over the base; what they do not say stays. */
function withFlags(base: PlanScenario, invocation: Invocation): PlanScenario {
  const { given } = invocation;
  const whole = (flag: 'count' | 'tp' | 'pp' | 'isl' | 'osl' | 'concurrency', most: number) => {
    const text = given(flag);
    return text === null ? undefined : wholeNumber(`--${flag}`, text, 1, most);
  };
  const real = (flag: 'rps' | 'ttft' | 'tpot', least: number, most: number) => {
    const text = given(flag);
    return text === null ? undefined : realNumber(`--${flag}`, text, least, most);
  };
  const concurrency = whole('concurrency', 1_000_000);
  const rate = real('rps', 1e-6, 1e6);
  if (concurrency !== undefined && rate !== undefined) {
    throw new InputError(
      `--rps is ${rate} and --concurrency is ${concurrency}; requests come at a rate or keep a number in flight: give one of them.`,
    );
  }
  const isl = whole('isl', 10_000_000);
  const osl = whole('osl', 10_000_000);
  const layer = {
    version: 1,
    kind: 'plan',
    ...modelLayer(invocation.model, invocation.given('as')),
    hardware: defined({
      ...gpuLayer(invocation),
      count: whole('count', 100_000),
      tensorParallel: whole('tp', 64),
      pipelineParallel: whole('pp', 64),
    }),
    engine: defined({
      name: oneOf('--engine', given('engine'), PLAN_ENGINES, ENGINE_ALIASES),
      weights: format(invocation.weights),
      kvFormat: format(invocation.kv),
      speculation: speculationOf(given('speculation')),
    }),
    load: defined({
      ...(invocation.trace === null
        ? {}
        : { trace: basename(invocation.trace).slice(0, 200), sharedPrefix: null }),
      // One of the two replaces the other, which the base may have.
      ...(rate === undefined ? {} : { rate, concurrency: null }),
      ...(concurrency === undefined ? {} : { concurrency, rate: null }),
      promptTokens: isl === undefined ? undefined : { kind: 'fixed', tokens: isl },
      outputTokens:
        reasoningOf(given('reasoning')) ?? (osl === undefined ? undefined : { kind: 'fixed', tokens: osl }),
    }),
    ...goalLayer(given('goal')),
    constraints: defined({
      ttftMs: real('ttft', 1e-3, 1e9),
      tpotMs: real('tpot', 1e-3, 1e9),
      gpus: given('gpus')
        ?.split(',')
        .map((name) => name.trim()),
    }),
  };
  const parsed = parsePlan(layer, base);
  if (!parsed.ok) throw new InputError(parsed.sentence);
  return parsed.scenario;
}

const ENGINE_ALIASES: Readonly<Record<string, string>> = {
  trtllm: 'tensorrt-llm',
  'trt-llm': 'tensorrt-llm',
  tensorrt: 'tensorrt-llm',
  llamacpp: 'llama.cpp',
};

function oneOf(
  flag: string,
  text: string | null,
  known: readonly string[],
  aliases: Readonly<Record<string, string>> = {},
): string | undefined {
  if (text === null) return undefined;
  const name = aliases[text.toLowerCase()] ?? text.toLowerCase();
  if (known.includes(name)) return name;
  throw new InputError(`${flag} is “${text.slice(0, 40)}”; one of ${known.join(', ')} is needed.`);
}

function speculationOf(text: string | null): object | undefined {
  const name = SPECULATION_NAMES.find((known) => known === oneOf('--speculation', text, SPECULATION_NAMES));
  return name === undefined ? undefined : SPECULATION_PRESETS[name];
}

function reasoningOf(text: string | null): object | undefined {
  const name = REASONING_NAMES.find((known) => known === oneOf('--reasoning', text, REASONING_NAMES));
  return name === undefined ? undefined : reasoningOutput(name);
}

function goalLayer(text: string | null): { goal?: { kind: string } } {
  const kind = oneOf('--goal', text, PLAN_GOALS);
  return kind === undefined ? {} : { goal: { kind } };
}

/** A search over all GPUs, or over those listed, has none of its own. */
function gpuLayer({ given }: Invocation): object {
  const gpu = given('gpu');
  if (gpu !== null) return namedGpu(gpu);
  return given('gpus') !== null || given('search') !== null ? { gpu: null, custom: null } : {};
}

function defined<T extends object>(values: T): Partial<T> {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Partial<T>;
}
