/** Sweeps: the crossed values of a scenario's axes as points, each a complete scenario without a sweep. */
import * as v from 'valibot';
import type { Json } from '../json.ts';
import { issueSentence } from '../sentences.ts';
import { valueAt, withValueAt } from './layer.ts';
import { contradiction, MAX_POINTS } from './rules.ts';
import { Scenario, type SweepAxis } from './schema.ts';

export interface SweepPoint {
  readonly index: number;
  /** Path of each axis → number, or the name of a value that is none. The `settings` of a run's point. */
  readonly settings: Readonly<Record<string, number | string>>;
  /** Settings in words: 'concurrency 4, kvFormat int8'; 'single point' without a sweep. */
  readonly label: string;
  /** What to run: the axes' values set, `sweep` empty. */
  readonly scenario: Scenario;
}

type Choice = { readonly axis: SweepAxis; readonly position: number };
type Applied =
  { readonly ok: true; readonly scenario: Scenario } | { readonly ok: false; readonly sentence: string };

function groupsLabel(value: Json): string {
  if (!Array.isArray(value)) return JSON.stringify(value);
  return value
    .map((group: Json) => `${valueAt(group, 'count')}×${valueAt(group, 'promptTokens')}`)
    .join(' + ');
}

/** The name of one value of an axis, as in a run's settings: its label where it has one. */
export function settingOf(axis: SweepAxis, position: number): number | string {
  const value = axis.values[position];
  const label = axis.labels?.[position];
  if (label !== undefined) return label;
  if (typeof value === 'number' || typeof value === 'string') return value;
  return (
    value === undefined ? 'missing' : typeof value === 'boolean' ? String(value) : groupsLabel(value)
  ).slice(0, 80);
}

/** Sets one value and checks the result against the schema. */
export function applySetting(scenario: Scenario, path: string, value: Json): Applied {
  const changed = withValueAt(scenario, path, value);
  if (changed === null)
    return { ok: false, sentence: `${path} is not a setting of a scenario; check its spelling.` };
  const result = v.safeParse(Scenario, changed, { abortEarly: true });
  if (!result.success) return { ok: false, sentence: issueSentence(result.issues, 'The scenario', scenario) };
  return { ok: true, scenario: result.output };
}

function crossed(axes: readonly SweepAxis[]): Choice[][] {
  return axes.reduce<Choice[][]>(
    (rows, axis) => rows.flatMap((row) => axis.values.map((_, position) => [...row, { axis, position }])),
    [[]],
  );
}

function applyChoices(scenario: Scenario, choices: readonly Choice[]): Applied {
  let result: Applied = { ok: true, scenario: { ...scenario, sweep: [] } };
  for (const { axis, position } of choices) {
    const value = axis.values[position];
    if (!result.ok || value === undefined) return result;
    result = applySetting(result.scenario, axis.path, value);
  }
  return result;
}

function labelOf(choices: readonly Choice[]): string {
  const words = choices.map(
    ({ axis, position }) => `${axis.path.split('.').at(-1)} ${settingOf(axis, position)}`,
  );
  return words.length === 0 ? 'single point' : words.join(', ');
}

/** What is wrong with the sweep as a whole or at one of its points, or null. */
export function sweepContradiction(scenario: Scenario): string | null {
  for (const [i, { path, values, labels }] of scenario.sweep.entries()) {
    if (labels !== undefined && labels.length !== values.length) {
      return `sweep.${i} has ${labels.length} labels for ${values.length} values; give each value one.`;
    }
    if (scenario.sweep.findIndex((axis) => axis.path === path) !== i) {
      return `Two sweep axes change ${path}; merge them into one.`;
    }
  }
  const points = scenario.sweep.reduce((product, { values }) => product * values.length, 1);
  if (points > MAX_POINTS)
    return `The sweep has ${points} points; the most is ${MAX_POINTS}: drop some values.`;
  if (scenario.sweep.length === 0) return null;
  for (const choices of crossed(scenario.sweep)) {
    const applied = applyChoices(scenario, choices);
    const sentence = applied.ok ? contradiction(applied.scenario) : applied.sentence;
    if (sentence !== null) return `Sweep point “${labelOf(choices)}”: ${sentence}`;
  }
  return null;
}

/** The points of a parsed scenario in the order they are listed, the last axis fastest; one point without a sweep. */
export function expandSweep(scenario: Scenario): SweepPoint[] {
  return crossed(scenario.sweep).map((choices, index) => {
    const applied = applyChoices(scenario, choices);
    if (!applied.ok) throw new RangeError(applied.sentence);
    const settings = choices.map(({ axis, position }) => [axis.path, settingOf(axis, position)] as const);
    return {
      index,
      settings: Object.fromEntries(settings),
      label: labelOf(choices),
      scenario: applied.scenario,
    };
  });
}
