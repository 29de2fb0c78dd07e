/** The form of a plan, read off its schema: every setting that the first screen leaves to its default. */
import type { Json } from '../core/json.ts';
import { PlanScenario } from '../core/scenario/plan/schema.ts';
import { SIM_KV_FORMATS, SIM_WEIGHT_FORMATS } from '../core/scenario/simulate/schema.ts';
import type { AnySchema, Field } from './form.ts';
import { PLAN_WORDS } from './plan-form-words.ts';
import { partsUnder, type FormGroup, type FormKind, type FormPart } from './sim-form.ts';
import { startOf } from './sim-starts.ts';

const PLAN: FormKind = { schema: PlanScenario as unknown as AnySchema, words: PLAN_WORDS };

/** In the order people think of them; what the first screen asks for is not repeated. */
export const PLAN_GROUPS: readonly FormGroup[] = [
  {
    title: 'Deployment',
    paths: [
      'hardware.count',
      'hardware.tensorParallel',
      'hardware.pipelineParallel',
      'hardware.expertParallel',
    ],
  },
  {
    title: 'Engine',
    paths: [
      'engine.name',
      'engine.memoryUtilization',
      'engine.blockSize',
      'engine.tokenBudget',
      'engine.maxSequences',
      'engine.maxModelTokens',
      'engine.offloadGB',
      'engine.speculation',
    ],
  },
  {
    title: 'Load',
    paths: ['load.promptTokens', 'load.outputTokens', 'load.sharedPrefix', 'load.images', 'seed'],
  },
  { title: 'Weights of a balanced goal', paths: ['goal.weights'] },
  {
    title: 'Limits',
    paths: [
      'constraints.e2eMs',
      'constraints.percentile',
      'constraints.costPerMillionOutputTokens',
      'constraints.maxGpus',
      'constraints.qualityLossPercent',
    ],
  },
  {
    title: 'Prices and energy',
    paths: [
      'prices.contract',
      'prices.perGpuHour',
      'prices.spotShare',
      'prices.apiPerMillionOutput',
      'prices.apiPerMillionInput',
      'prices.owned',
      'prices.pue',
    ],
  },
  { title: 'Words', paths: ['title', 'about'] },
];

/** A setting that the planner chooses while it is open. */
export interface OpenSetting {
  readonly group: string;
  readonly path: string;
  /** Null: any text. */
  readonly options: readonly { readonly value: Json; readonly name: string }[] | null;
  /** What it says while it is open. */
  readonly open: string;
}

const named = (values: readonly string[]): OpenSetting['options'] =>
  values.map((value) => ({ value, name: value }));
const YES_NO: OpenSetting['options'] = [
  { value: true, name: 'yes' },
  { value: false, name: 'no' },
];
const BEST = 'whichever is best';

export const OPEN_SETTINGS: readonly OpenSetting[] = [
  { group: 'Deployment', path: 'engine.weights', options: named(SIM_WEIGHT_FORMATS), open: BEST },
  { group: 'Deployment', path: 'engine.kvFormat', options: named(SIM_KV_FORMATS), open: BEST },
  { group: 'Deployment', path: 'engine.disaggregated', options: YES_NO, open: BEST },
  { group: 'Engine', path: 'engine.prefixCaching', options: YES_NO, open: BEST },
  { group: 'Engine', path: 'engine.version', options: null, open: 'the newest known' },
  { group: 'Prices and energy', path: 'prices.provider', options: null, open: 'any' },
  { group: 'Prices and energy', path: 'prices.region', options: null, open: 'any' },
];

export function planParts(document: Json, path: string): readonly FormPart[] {
  return partsUnder(document, path, PLAN);
}

/** The plain field at a path, as the document stands; null where there is none. */
export function planField(document: Json, path: string): Field | null {
  const names = path.split('.');
  for (let depth = names.length; depth > 0; depth--) {
    const parts = planParts(document, names.slice(0, depth).join('.'));
    const found = parts.find((part) => part.path === path);
    if (found !== undefined) return isField(found) ? found : null;
  }
  return null;
}

function isField(part: FormPart): part is Field {
  return (
    part.kind !== 'variant' && part.kind !== 'optional' && part.kind !== 'list' && part.kind !== 'record'
  );
}

const SWITCHED_ON: Readonly<Record<string, Json>> = {
  'engine.speculation': { draftTokens: 4, acceptance: 0.7, draftCost: 0.05 },
  'load.sharedPrefix': { tokens: 1024, prompts: 1 },
  'load.images': { each: 1, imageTokens: 576 },
  'prices.owned': { perGpu: 30_000, years: 4, perKwh: 0.12, otherPerHour: 0 },
};

const LENGTHS: Readonly<Record<string, string>> = {
  'load.promptTokens': 'workload.promptTokens',
  'load.outputTokens': 'workload.outputTokens',
};

/** What a part starts with when its kind is chosen or it is switched on. */
export function planStartOf(path: string, kind: string | null): Json {
  if (kind === null) return SWITCHED_ON[path] ?? null;
  return startOf(LENGTHS[path] ?? path, kind);
}

/** Share of the peak in each hour of a day: shapes to start from, assumptions all of them. */
export const DAYS: Readonly<
  Record<string, { readonly name: string; readonly hours: readonly number[] | null }>
> = {
  even: { name: 'the same all day', hours: null },
  office: {
    name: 'office hours',
    hours: [
      ...Array<number>(7).fill(0.1),
      0.3,
      0.7,
      0.95,
      1,
      1,
      0.85,
      0.9,
      1,
      0.95,
      0.85,
      0.6,
      0.35,
      0.25,
      0.2,
      0.15,
      0.1,
      0.1,
    ],
  },
  evening: {
    name: 'evenings',
    hours: [
      0.55, 0.35, 0.2, 0.12, 0.1, 0.1, 0.15, 0.25, 0.35, 0.4, 0.45, 0.5, 0.55, 0.5, 0.5, 0.5, 0.55, 0.65, 0.8,
      0.95, 1, 1, 0.9, 0.75,
    ],
  },
};
