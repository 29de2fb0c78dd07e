/**
 * The one door to a scenario: text, a file's JSON, a form's object, a link's layer.
 *
 * Each kind of scenario has a door of its own, for callers that can use nothing else, and `parseAnyScenario` takes
 * whatever `kind` says.
 *
 * Takes partial documents and fills them from the defaults. A refusal is one sentence and changes nothing.
 */
import * as v from 'valibot';
import {
  checkJson,
  isJsonObject,
  readJson,
  type Json,
  type JsonBounds,
  type JsonObject,
  type Read,
} from '../json.ts';
import { issueSentence } from '../sentences.ts';
import {
  isScenarioKind,
  SCENARIO_KINDS,
  type AnyScenario,
  type ScenarioByKind,
  type ScenarioKind,
} from './kinds.ts';
import type { AutopilotScenario } from './autopilot/schema.ts';
import { mergeLayer } from './layer.ts';
import type { LoadScenario } from './load/schema.ts';
import type { PlanScenario } from './plan/schema.ts';
import type { QualityScenario } from './quality/schema.ts';
import { SCENARIO_VERSION, type Scenario } from './schema.ts';
import type { ServeScenario } from './serve/schema.ts';
import type { SimScenario } from './simulate/schema.ts';
import type { TuneScenario } from './tune/schema.ts';
import { sweepContradiction } from './sweep.ts';
import { versionSentence } from './version-sentence.ts';

export const SCENARIO_BOUNDS: JsonBounds = {
  what: 'scenario',
  maxCharacters: 65_536,
  maxDepth: 12,
  maxValues: 20_000,
};

export type Parsed<S extends AnyScenario> =
  { readonly ok: true; readonly scenario: S } | { readonly ok: false; readonly sentence: string };
export type ParsedScenario = Parsed<Scenario>;
export type ParsedSimulation = Parsed<SimScenario>;
export type ParsedQuality = Parsed<QualityScenario>;
export type ParsedServing = Parsed<ServeScenario>;
export type ParsedPlan = Parsed<PlanScenario>;
export type ParsedTuning = Parsed<TuneScenario>;
export type ParsedLoad = Parsed<LoadScenario>;
export type ParsedAutopilot = Parsed<AutopilotScenario>;
export type ParsedAnyScenario = { [K in ScenarioKind]: Parsed<ScenarioByKind[K]> }[ScenarioKind];

function refuse(sentence: string): { readonly ok: false; readonly sentence: string } {
  return { ok: false, sentence };
}

/** Bounds, names and version of a document; not yet its meaning. */
export function readLayer(input: unknown): Read<JsonObject> {
  const read =
    typeof input === 'string' ? readJson(input, SCENARIO_BOUNDS) : checkJson(input, SCENARIO_BOUNDS);
  if (!read.ok) return read;
  const layer = read.value;
  if (!isJsonObject(layer))
    return refuse('A scenario is a JSON object such as {"version": 1}; this is none.');
  const sentence = versionSentence(layer['version'], SCENARIO_VERSION, 'scenario');
  return sentence === null ? { ok: true, value: layer } : refuse(sentence);
}

/** What is wrong with the sweep of each kind, or null; of those that have one. */
const SWEEPS: { readonly [K in ScenarioKind]: (scenario: ScenarioByKind[K]) => string | null } = {
  lab: (scenario) => sweepContradiction('lab', scenario),
  simulate: (scenario) => sweepContradiction('simulate', scenario),
  quality: () => null,
  serve: (scenario) => sweepContradiction('serve', scenario),
  plan: () => null,
  tune: () => null,
  load: () => null,
  autopilot: () => null,
};

/** Checks a complete document. */
function validate<K extends ScenarioKind>(kind: K, document: unknown): Parsed<ScenarioByKind[K]> {
  const { schema, defaults, contradiction } = SCENARIO_KINDS[kind];
  const result = v.safeParse(schema, document, { abortEarly: true });
  if (!result.success) return refuse(issueSentence(result.issues, 'The scenario', defaults));
  // Each point of a sweep was looked at; a simulation that is swept never runs as it stands.
  const { sweep } = result.output as { readonly sweep?: readonly unknown[] };
  const pointsOnly = kind === 'simulate' && (sweep?.length ?? 0) > 0;
  const sentence = SWEEPS[kind](result.output) ?? (pointsOnly ? null : contradiction(result.output));
  return sentence === null ? { ok: true, scenario: result.output } : refuse(sentence);
}

/** Sentence about a document of another kind than the door's, or null. */
function kindSentence(found: Json | undefined, wanted: ScenarioKind): string | null {
  if (found === undefined || found === wanted || !isScenarioKind(found)) return null;
  const is = SCENARIO_KINDS[found].name;
  return `This scenario is ${is} (kind “${found}”); ${SCENARIO_KINDS[wanted].name} (kind “${wanted}”) is needed here.`;
}

function parse<K extends ScenarioKind>(
  kind: K,
  input: unknown,
  base: ScenarioByKind[K],
): Parsed<ScenarioByKind[K]> {
  const read = readLayer(input);
  if (!read.ok) return read;
  const sentence = kindSentence(read.value['kind'], kind);
  return sentence === null ? validate(kind, mergeLayer(base, read.value)) : refuse(sentence);
}

/** Checks a complete experiment. */
export function validateScenario(document: unknown): ParsedScenario {
  return validate('lab', document);
}

/** Checks a complete simulation. */
export function validateSimulation(document: unknown): ParsedSimulation {
  return validate('simulate', document);
}

/** Checks a complete quality experiment. */
export function validateQuality(document: unknown): ParsedQuality {
  return validate('quality', document);
}

/** Checks a complete serving run. */
export function validateServing(document: unknown): ParsedServing {
  return validate('serve', document);
}

/** Checks a complete tuning. */
export function validateTuning(document: unknown): ParsedTuning {
  return validate('tune', document);
}

/** Checks a complete plan. */
export function validatePlan(document: unknown): ParsedPlan {
  return validate('plan', document);
}

/** Checks a complete load. */
export function validateLoad(document: unknown): ParsedLoad {
  return validate('load', document);
}

/** Checks a complete autopilot. */
export function validateAutopilot(document: unknown): ParsedAutopilot {
  return validate('autopilot', document);
}

/** Checks a complete scenario of the kind that it says. */
export function validateAny(kind: ScenarioKind, document: unknown): ParsedAnyScenario {
  return VALIDATES[kind](document);
}

const VALIDATES: { readonly [K in ScenarioKind]: (document: unknown) => Parsed<ScenarioByKind[K]> } = {
  lab: validateScenario,
  simulate: validateSimulation,
  quality: validateQuality,
  serve: validateServing,
  plan: validatePlan,
  tune: validateTuning,
  load: validateLoad,
  autopilot: validateAutopilot,
};

/**
 * Reads an experiment from JSON text or a plain object, partial documents over `base`.
 * @param base what the document is laid over; the defaults unless told
 */
export function parseScenario(input: unknown, base: Scenario = SCENARIO_KINDS.lab.defaults): ParsedScenario {
  return parse('lab', input, base);
}

/** Reads a simulation, as `parseScenario` reads an experiment. */
export function parseSimulation(
  input: unknown,
  base: SimScenario = SCENARIO_KINDS.simulate.defaults,
): ParsedSimulation {
  return parse('simulate', input, base);
}

/** Reads a quality experiment, as `parseScenario` reads an experiment. */
export function parseQuality(
  input: unknown,
  base: QualityScenario = SCENARIO_KINDS.quality.defaults,
): ParsedQuality {
  return parse('quality', input, base);
}

/** Reads a serving run, as `parseScenario` reads an experiment. */
export function parseServing(
  input: unknown,
  base: ServeScenario = SCENARIO_KINDS.serve.defaults,
): ParsedServing {
  return parse('serve', input, base);
}

/** Reads a tuning, as `parseScenario` reads an experiment. */
export function parseTuning(input: unknown, base: TuneScenario = SCENARIO_KINDS.tune.defaults): ParsedTuning {
  return parse('tune', input, base);
}

/** Reads a plan's scenario, as `parseScenario` reads an experiment. */
export function parsePlan(input: unknown, base: PlanScenario = SCENARIO_KINDS.plan.defaults): ParsedPlan {
  return parse('plan', input, base);
}

/** Reads a load, as `parseScenario` reads an experiment. */
export function parseLoad(input: unknown, base: LoadScenario = SCENARIO_KINDS.load.defaults): ParsedLoad {
  return parse('load', input, base);
}

/** Reads an autopilot, as `parseScenario` reads an experiment. */
export function parseAutopilot(
  input: unknown,
  base: AutopilotScenario = SCENARIO_KINDS.autopilot.defaults,
): ParsedAutopilot {
  return parse('autopilot', input, base);
}

const PARSES: { readonly [K in ScenarioKind]: (input: unknown) => Parsed<ScenarioByKind[K]> } = {
  lab: (input) => parseScenario(input),
  simulate: (input) => parseSimulation(input),
  quality: (input) => parseQuality(input),
  serve: (input) => parseServing(input),
  plan: (input) => parsePlan(input),
  tune: (input) => parseTuning(input),
  load: (input) => parseLoad(input),
  autopilot: (input) => parseAutopilot(input),
};

/** Reads a scenario of whatever kind it says it is; without a word it is an experiment, as all were once. */
export function parseAnyScenario(input: unknown): ParsedAnyScenario {
  const read = readLayer(input);
  if (!read.ok) return read;
  const { kind = 'lab' } = read.value;
  if (!isScenarioKind(kind)) {
    const kinds = Object.keys(SCENARIO_KINDS).join(', ');
    return refuse(`kind is ${JSON.stringify(kind).slice(0, 40)}; one of ${kinds} is needed.`);
  }
  return PARSES[kind](read.value);
}
