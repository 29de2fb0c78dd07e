/** The form of a tuning, read off its schema, and what a tuning is about to do, in numbers. */
import type { Json } from '../core/json.ts';
import { findArchitecture } from '../core/model/architecture.ts';
import { EXECUTOR_AXES } from '../core/scenario/tune/axes.ts';
import { NAMED_PROFILES, PROFILE_ABOUT } from '../core/scenario/tune/profiles.ts';
import { resolveTuning, tuningCells } from '../core/scenario/tune/resolved.ts';
import {
  TuneScenario,
  type ProfileName,
  type TuneAxis,
  type TuneExecutorName,
} from '../core/scenario/tune/schema.ts';
import { candidatesOf } from '../core/scenario/tune/space.ts';
import type { AnySchema } from './form.ts';
import { partsUnder, type FormGroup, type FormKind, type FormPart } from './sim-form.ts';
import { TUNE_WORDS } from './tune-form-words.ts';

const TUNE: FormKind = { schema: TuneScenario as unknown as AnySchema, words: TUNE_WORDS };

/** In the order people think of them; what the first screen asks for is not repeated. */
export const TUNE_GROUPS: readonly FormGroup[] = [
  { title: 'Load', paths: ['load', 'seed'] },
  { title: 'Budget', paths: ['budget'] },
  { title: 'Machine', paths: ['hardware'] },
  { title: 'Words', paths: ['title', 'about'] },
];

export function tuneParts(document: Json, path: string): readonly FormPart[] {
  return partsUnder(document, path, TUNE);
}

export const PROFILE_CHOICES: readonly {
  readonly value: ProfileName;
  readonly name: string;
  readonly about: string;
}[] = [
  ...NAMED_PROFILES.map((value) => ({ value, name: value, about: PROFILE_ABOUT[value] })),
  { value: 'custom', name: 'own', about: 'lengths and weights as you give them' },
];

export const EXECUTOR_CHOICES: readonly { readonly value: TuneExecutorName; readonly name: string }[] = [
  { value: 'simulator', name: 'simulator' },
  { value: 'kernels', name: 'GPU kernels' },
  { value: 'engine', name: 'loaded model' },
  { value: 'endpoint', name: 'server' },
];

export interface TunePlan {
  readonly candidates: number;
  readonly cells: number;
  readonly dropped: readonly string[];
  /** Of a full grid, and the most that may be taken of it. */
  readonly full: number;
  readonly most: number;
}

/** What a tuning is about to do. */
export function tunePlan(scenario: TuneScenario): TunePlan {
  const tuning = resolveTuning(scenario);
  const candidates = candidatesOf(tuning).length;
  const { cells, dropped } = tuningCells(tuning, longestOf);
  const { repeats, share } = scenario.budget;
  const full = candidates * cells.length * repeats;
  return {
    candidates,
    cells: cells.length,
    dropped: dropped.map(({ reason }) => reason),
    full,
    most: Math.max(1, Math.floor(share * full)),
  };
}

/** A model that no record describes tells its longest text when it is loaded. */
function longestOf(model: string): number {
  return findArchitecture(model)?.maxPositionTokens ?? Number.MAX_SAFE_INTEGER;
}

/** The axes that an executor can act on, and the values that a tuning tries. */
export function axesOf(
  scenario: TuneScenario,
): readonly { readonly axis: TuneAxis; readonly values: readonly Json[] }[] {
  const { space } = resolveTuning(scenario);
  return EXECUTOR_AXES[scenario.executor].axes.map((axis) => ({ axis, values: space[axis] ?? [] }));
}

/** Values of an axis as a line of text, and back: numbers, on and off, or the names of the axis. */
export function showValues(values: readonly Json[]): string {
  return values
    .map((value) => (typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value)))
    .join(', ');
}

export function readValues(text: string): Json[] {
  return text
    .split(/[\s,;]+/)
    .filter((part) => part !== '')
    .map((part) => {
      if (part === 'on' || part === 'off') return part === 'on';
      const number = Number(part);
      return Number.isFinite(number) ? number : part;
    });
}

/** The space with other values on one axis; none: the baseline's value alone. */
export function withAxis(scenario: TuneScenario, axis: TuneAxis, values: readonly Json[]): Json {
  const { space } = resolveTuning(scenario);
  const others = Object.entries(space).filter(([name, own]) => name !== axis && own !== undefined);
  return { ...Object.fromEntries(others), ...(values.length === 0 ? {} : { [axis]: [...values] }) } as Json;
}
