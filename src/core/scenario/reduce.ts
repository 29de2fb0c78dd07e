/** Reductions on a software adapter, where the full size of an experiment would take hours. */
import { isJsonObject, type Json } from '../json.ts';
import { valueAt, withValueAt } from './layer.ts';
import type { AnyScenario, ScenarioByKind } from './kinds.ts';
import { validateAny } from './parse.ts';

/** Kinds that name reductions. */
type Reducible = ScenarioByKind['lab' | 'quality'];

export type Reduced<S extends Reducible = ScenarioByKind['lab']> =
  | { readonly ok: true; readonly scenario: S; readonly notes: readonly string[] }
  | { readonly ok: false; readonly sentence: string };

function show(value: Json | undefined): string {
  if (!Array.isArray(value)) return typeof value === 'object' ? JSON.stringify(value) : String(value);
  if (value.length === 0) return 'none';
  return value.map((part: Json) => (typeof part === 'object' ? showGroups(part) : String(part))).join(', ');
}

/** Groups as 8×128 + 2×4096: count and prompt. */
function showGroups(value: Json): string {
  const groups: readonly Json[] = Array.isArray(value) ? value : [value];
  return groups.map((group) => `${valueAt(group, 'count')}×${valueAt(group, 'promptTokens')}`).join(' + ');
}

/** Settings whose reductions only make sense together. */
const TOGETHER: readonly (readonly string[])[] = [['model.queryHeads', 'model.kvHeads']];

/** Whether setting `path` by hand makes the reduction of `reduced` void. */
function overrides(path: string, reduced: string): boolean {
  // Another model keeps the smaller layer count; its heads are its own.
  if (path === 'model') return reduced !== 'model.layers' && reduced.startsWith('model.');
  // Reductions name axes by position, and labels count with values.
  if (path === 'sweep' || path.startsWith('sweep.')) return reduced.startsWith('sweep.');
  if (path === reduced || path.startsWith(`${reduced}.`) || reduced.startsWith(`${path}.`)) return true;
  return TOGETHER.some((paths) => paths.includes(path) && paths.includes(reduced));
}

/**
 * Sets a value as a person does: what they chose is not made smaller behind their back, so the reduction of that value
 * is dropped. Null where the path leads nowhere.
 */
export function setByHand(document: Json, path: string, value: Json): Json | null {
  const changed = withValueAt(document, path, value);
  const reductions = valueAt(document, 'softwareAdapter');
  if (changed === null || path.startsWith('softwareAdapter') || !isJsonObject(reductions)) return changed;
  const kept = Object.entries(reductions).filter(([reduced]) => !overrides(path, reduced));
  return withValueAt(changed, 'softwareAdapter', Object.fromEntries(kept));
}

/**
 * The scenario as a software adapter runs it, and what was made smaller, as sentences for the run's notes.
 * Applying it twice changes nothing more.
 */
export function reduceForSoftware<S extends Reducible>(scenario: S): Reduced<S> {
  let document: Json = scenario;
  const changes: string[] = [];
  for (const [path, value] of Object.entries(scenario.softwareAdapter)) {
    const before = valueAt(document, path);
    const changed = withValueAt(document, path, value);
    if (changed === null)
      return { ok: false, sentence: `softwareAdapter names ${path}, which is not a setting.` };
    if (JSON.stringify(before) !== JSON.stringify(value))
      changes.push(`${path} ${show(value)} (full size: ${show(before)})`);
    document = changed;
  }
  const checked = validateAny(scenario.kind, document);
  if (!checked.ok) return { ok: false, sentence: `On a software adapter: ${checked.sentence}` };
  const notes =
    changes.length === 0
      ? []
      : [`Made smaller because the adapter is software: ${changes.join('; ')}.`.slice(0, 600)];
  return isLike(scenario, checked.scenario)
    ? { ok: true, scenario: checked.scenario, notes }
    : { ok: false, sentence: 'softwareAdapter changed what kind of scenario this is.' };
}

function isLike<S extends Reducible>(scenario: S, other: AnyScenario): other is S {
  return scenario.kind === other.kind;
}
