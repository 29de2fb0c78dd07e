/** Sweeps: the crossed values of a scenario's axes as points, each a complete scenario without a sweep. */
import * as v from 'valibot';
import type { Json } from '../json.ts';
import { issueSentence } from '../sentences.ts';
import {
  SCENARIO_KINDS,
  type AnyScenario,
  type ScenarioByKind,
  type ScenarioKind,
  type SweptKind,
} from './kinds.ts';
import { valueAt, withValueAt } from './layer.ts';
import { MAX_POINTS } from './rules.ts';
import type { Scenario } from './schema.ts';
import type { ServeScenario } from './serve/schema.ts';
import type { SimScenario } from './simulate/schema.ts';

/** One axis of either kind of scenario. */
export interface AnyAxis {
  readonly path: string;
  readonly values: readonly Json[];
  readonly labels?: readonly string[] | undefined;
}

export interface SweepPoint<S extends AnyScenario = Scenario> {
  readonly index: number;
  /** Path of each axis → number, or the name of a value that is none. The `settings` of a run's point. */
  readonly settings: Readonly<Record<string, number | string>>;
  /** Settings in words: 'concurrency 4, kvFormat int8'; 'single point' without a sweep. */
  readonly label: string;
  /** What to run: the axes' values set, `sweep` empty. */
  readonly scenario: S;
}

type Choice = { readonly axis: AnyAxis; readonly position: number };
type Applied<S> =
  { readonly ok: true; readonly scenario: S } | { readonly ok: false; readonly sentence: string };

function groupsLabel(value: Json): string {
  if (!Array.isArray(value)) return JSON.stringify(value);
  return value
    .map((group: Json) => `${valueAt(group, 'count')}×${valueAt(group, 'promptTokens')}`)
    .join(' + ');
}

/** A part of a scenario by its kind, a list by the kinds in it: 'sessions', 'host + nvme'. */
function partLabel(value: Json): string {
  if (Array.isArray(value)) {
    const kinds: (Json | undefined)[] = value.map((part: Json) => valueAt(part, 'kind'));
    if (kinds.length === 0) return 'none';
    return kinds.every((kind) => typeof kind === 'string') ? kinds.join(' + ') : groupsLabel(value);
  }
  const kind = valueAt(value, 'kind');
  return typeof kind === 'string' ? kind : JSON.stringify(value);
}

/** The name of one value of an axis, as in a run's settings: its label where it has one. */
export function settingOf(axis: AnyAxis, position: number): number | string {
  const value = axis.values[position];
  const label = axis.labels?.[position];
  if (label !== undefined) return label;
  if (typeof value === 'number' || typeof value === 'string') return value;
  if (value === null) return 'none';
  const name =
    value === undefined ? 'missing' : typeof value === 'boolean' ? String(value) : partLabel(value);
  return name.slice(0, 80);
}

/** Sets one value and checks the result against the schema. */
function applySetting<K extends ScenarioKind>(
  kind: K,
  scenario: ScenarioByKind[K],
  path: string,
  value: Json,
): Applied<ScenarioByKind[K]> {
  const changed = withValueAt(scenario, path, value);
  if (changed === null)
    return { ok: false, sentence: `${path} is not a setting of a scenario; check its spelling.` };
  const result = v.safeParse(SCENARIO_KINDS[kind].schema, changed, { abortEarly: true });
  if (!result.success) return { ok: false, sentence: issueSentence(result.issues, 'The scenario', scenario) };
  return { ok: true, scenario: result.output };
}

function crossed(axes: readonly AnyAxis[]): Choice[][] {
  return axes.reduce<Choice[][]>(
    (rows, axis) => rows.flatMap((row) => axis.values.map((_, position) => [...row, { axis, position }])),
    [[]],
  );
}

function applyChoices<K extends SweptKind>(
  kind: K,
  scenario: ScenarioByKind[K],
  choices: readonly Choice[],
): Applied<ScenarioByKind[K]> {
  let result: Applied<ScenarioByKind[K]> = { ok: true, scenario: { ...scenario, sweep: [] } };
  for (const { axis, position } of choices) {
    const value = axis.values[position];
    if (!result.ok || value === undefined) return result;
    result = applySetting(kind, result.scenario, axis.path, value);
  }
  return result;
}

function labelOf(choices: readonly Choice[]): string {
  const words = choices.map(
    ({ axis, position }) => `${axis.path.split('.').at(-1)} ${settingOf(axis, position)}`,
  );
  return words.length === 0 ? 'single point' : words.join(', ');
}

function axesContradiction(axes: readonly AnyAxis[]): string | null {
  for (const [i, { path, values, labels }] of axes.entries()) {
    if (labels !== undefined && labels.length !== values.length) {
      return `sweep.${i} has ${labels.length} labels for ${values.length} values; give each value one.`;
    }
    if (axes.findIndex((axis) => axis.path === path) !== i) {
      return `Two sweep axes change ${path}; merge them into one.`;
    }
  }
  return null;
}

/** What is wrong with the sweep as a whole or at one of its points, or null. */
export function sweepContradiction<K extends SweptKind>(kind: K, scenario: ScenarioByKind[K]): string | null {
  const axes: readonly AnyAxis[] = scenario.sweep;
  const wrongAxes = axesContradiction(axes);
  if (wrongAxes !== null) return wrongAxes;
  const points = axes.reduce((product, { values }) => product * values.length, 1);
  if (points > MAX_POINTS)
    return `The sweep has ${points} points; the most is ${MAX_POINTS}: drop some values.`;
  const rules = SCENARIO_KINDS[kind];
  const ofAll = rules.contradictionOfAll(scenario, points);
  if (ofAll !== null || axes.length === 0) return ofAll;
  for (const choices of crossed(axes)) {
    const applied = applyChoices(kind, scenario, choices);
    const sentence = applied.ok ? rules.contradiction(applied.scenario) : applied.sentence;
    if (sentence !== null) return `Sweep point “${labelOf(choices)}”: ${sentence}`;
  }
  return null;
}

function expand<K extends SweptKind>(kind: K, scenario: ScenarioByKind[K]): SweepPoint<ScenarioByKind[K]>[] {
  return crossed(scenario.sweep).map((choices, index) => {
    const applied = applyChoices(kind, scenario, choices);
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

/** The points of a parsed scenario in the order they are listed, the last axis fastest; one point without a sweep. */
export function expandSweep(scenario: Scenario): SweepPoint[];
export function expandSweep(scenario: SimScenario): SweepPoint<SimScenario>[];
export function expandSweep(scenario: ServeScenario): SweepPoint<ServeScenario>[];
export function expandSweep(
  scenario: ScenarioByKind[SweptKind],
): SweepPoint<Scenario>[] | SweepPoint<SimScenario>[] | SweepPoint<ServeScenario>[] {
  switch (scenario.kind) {
    case 'lab':
      return expand('lab', scenario);
    case 'simulate':
      return expand('simulate', scenario);
    case 'serve':
      return expand('serve', scenario);
    default:
      return scenario satisfies never;
  }
}
