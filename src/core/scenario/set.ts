/** `--set path=value`: changes a scenario by dotted paths, with the types the schema asks for. */
import { modelShape, modelNames } from '../model/records.ts';
import { isJsonObject, readJson, type Json, type Read } from '../json.ts';
import type { AutopilotScenario } from './autopilot/schema.ts';
import type { AnyScenario } from './kinds.ts';
import { valueAt } from './layer.ts';
import type { LoadScenario } from './load/schema.ts';
import {
  SCENARIO_BOUNDS,
  validateAny,
  type ParsedAnyScenario,
  type ParsedAutopilot,
  type ParsedLoad,
  type ParsedPlan,
  type ParsedQuality,
  type ParsedScenario,
  type ParsedServing,
  type ParsedSimulation,
  type ParsedTuning,
} from './parse.ts';
import { MEMORY_TERMS, type PlanScenario } from './plan/schema.ts';
import type { QualityScenario } from './quality/schema.ts';
import { setByHand } from './reduce.ts';
import type { Scenario } from './schema.ts';
import type { ServeScenario } from './serve/schema.ts';
import type { SimScenario } from './simulate/schema.ts';
import type { TuneScenario } from './tune/schema.ts';

/** JSON where it reads as JSON, else text; always text where the setting is text. */
function readValue(text: string, current: Json): Read<Json> {
  if (typeof current === 'string' && !text.startsWith('"')) return { ok: true, value: text };
  if (/^[[{"]/.test(text.trim())) return readJson(text, SCENARIO_BOUNDS);
  const parsed = readJson(text, SCENARIO_BOUNDS);
  return parsed.ok ? parsed : { ok: true, value: text };
}

/** A plan's memory names only the terms that were given; the others can be set all the same. */
function withMemoryTerm(scenario: Json, path: string): Json {
  const term = MEMORY_TERMS.find((name) => path === `memory.${name}`);
  const memory = valueAt(scenario, 'memory');
  if (term === undefined || !isJsonObject(scenario) || scenario['kind'] !== 'plan' || !isJsonObject(memory))
    return scenario;
  return { ...scenario, memory: { [term]: 0, ...memory } };
}

function setOne(given: Json, assignment: string): Read<Json> {
  const at = assignment.indexOf('=');
  if (at < 1)
    return {
      ok: false,
      sentence: `“${assignment.slice(0, 60)}” is not path=value, such as workload.concurrency=8.`,
    };
  const path = assignment.slice(0, at).trim();
  const text = assignment.slice(at + 1);
  const scenario = withMemoryTerm(given, path);
  const current = valueAt(scenario, path);
  if (current === undefined) return { ok: false, sentence: noSetting(scenario, path) };
  const value =
    path === 'model' && isJsonObject(current) && !text.trim().startsWith('{')
      ? namedModel(text.trim())
      : readValue(text, current);
  if (!value.ok) return value;
  const changed = setByHand(scenario, path, value.value);
  return changed === null ? { ok: false, sentence: `${path} can't be set.` } : { ok: true, value: changed };
}

/** Why a path leads nowhere: what it goes through has no such setting, or is nothing at all. */
function noSetting(scenario: Json, path: string): string {
  const names = path.split('.');
  for (let known = names.length - 1; known > 0; known--) {
    const above = names.slice(0, known).join('.');
    const value = valueAt(scenario, above);
    if (value === undefined) continue;
    if (value === null)
      return `${above} is null, so ${path.slice(0, 80)} is no setting; set all of ${above}={…}.`;
    const kind = valueAt(value, 'kind');
    if (!isJsonObject(value) || typeof kind !== 'string') break;
    const settings = Object.keys(value).join(', ');
    return `${path.slice(0, 80)} is not a setting of ${above} of kind ${kind} (${settings}); set all of ${above}={"kind":…} for another kind.`;
  }
  return `${path.slice(0, 80)} is not a setting of a scenario; check its spelling.`;
}

function namedModel(name: string): Read<Json> {
  const shape = modelShape(name);
  if (shape) return { ok: true, value: shape };
  return {
    ok: false,
    sentence: `model “${name.slice(0, 40)}” is not known; choose one of ${modelNames().join(', ')}.`,
  };
}

/**
 * Applies `path=value` assignments in order, then checks the whole, so that two settings may change together.
 * `model=NAME` takes the shape of a known model. A value set here is not made smaller on a software adapter.
 */
export function applyAssignments(scenario: Scenario, assignments: readonly string[]): ParsedScenario;
export function applyAssignments(scenario: SimScenario, assignments: readonly string[]): ParsedSimulation;
export function applyAssignments(scenario: QualityScenario, assignments: readonly string[]): ParsedQuality;
export function applyAssignments(scenario: ServeScenario, assignments: readonly string[]): ParsedServing;
export function applyAssignments(scenario: PlanScenario, assignments: readonly string[]): ParsedPlan;
export function applyAssignments(scenario: TuneScenario, assignments: readonly string[]): ParsedTuning;
export function applyAssignments(scenario: LoadScenario, assignments: readonly string[]): ParsedLoad;
export function applyAssignments(
  scenario: AutopilotScenario,
  assignments: readonly string[],
): ParsedAutopilot;
export function applyAssignments(scenario: AnyScenario, assignments: readonly string[]): ParsedAnyScenario;
export function applyAssignments(scenario: AnyScenario, assignments: readonly string[]): ParsedAnyScenario {
  const assigned = assign(scenario, assignments);
  return assigned.ok ? validateAny(scenario.kind, assigned.value) : assigned;
}

/** The same of any document, which is not checked. */
export function assign(scenario: Json, assignments: readonly string[]): Read<Json> {
  let document: Json = scenario;
  for (const assignment of assignments) {
    const next = setOne(document, assignment);
    if (!next.ok) return next;
    document = next.value;
  }
  return { ok: true, value: document };
}
