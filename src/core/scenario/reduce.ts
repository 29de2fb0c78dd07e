/** Reductions on a software adapter, where the full size of an experiment would take hours. */
import type { Json } from '../json.ts';
import { valueAt, withValueAt } from './layer.ts';
import { validateScenario } from './parse.ts';
import type { Scenario } from './schema.ts';

export type Reduced =
  | { readonly ok: true; readonly scenario: Scenario; readonly notes: readonly string[] }
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

/**
 * The scenario as a software adapter runs it, and what was made smaller, as sentences for the run's notes.
 * Applying it twice changes nothing more.
 */
export function reduceForSoftware(scenario: Scenario): Reduced {
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
  const checked = validateScenario(document);
  if (!checked.ok) return { ok: false, sentence: `On a software adapter: ${checked.sentence}` };
  const notes =
    changes.length === 0
      ? []
      : [`Made smaller because the adapter is software: ${changes.join('; ')}.`.slice(0, 600)];
  return { ok: true, scenario: checked.scenario, notes };
}
