/** The form of a load, read off its schema, its ramp, and what the load is about to do, in numbers. */
import type { Json } from '../core/json.ts';
import { loadPoints } from '../core/scenario/load/points.ts';
import { LoadScenario, type LoadSweep } from '../core/scenario/load/schema.ts';
import { LOAD_WORDS } from './connect-form-words.ts';
import type { AnySchema } from './form.ts';
import { servingStart } from './serving-form.ts';
import { partsUnder, type FormGroup, type FormKind, type FormPart } from './sim-form.ts';

const LOAD: FormKind = { schema: LoadScenario as unknown as AnySchema, words: LOAD_WORDS };

/** The first screen, in three columns. */
export const LOAD_FIRST: readonly FormGroup[] = [
  { title: 'Who asks', paths: ['workload.requests', 'workload.arrivals'] },
  { title: 'What they ask', paths: ['workload.promptTokens', 'workload.outputTokens', 'workload.sharing'] },
];

/** What the first screen leaves to its default. */
export const LOAD_GROUPS: readonly FormGroup[] = [
  { title: 'Repetitions', paths: ['measurement', 'seed'] },
  { title: 'Client', paths: ['client', 'telemetrySeconds', 'resetCache'] },
  {
    title: 'Prompts and sampling',
    paths: ['prompts', 'sampling.temperature', 'sampling.ignoreEos', 'workload.trace'],
  },
  { title: 'The server, as the prediction sees it', paths: ['server', 'workload.highPriorityShare'] },
  { title: 'Words', paths: ['title', 'about'] },
];

export function loadParts(document: Json, path: string): readonly FormPart[] {
  return partsUnder(document, path, LOAD);
}

/** Lengths and rates that a server on one machine bears: those of the serving lab. */
export const loadStart = servingStart;

/** Settings that a ramp goes over, with what they are called. */
const RAMPS: readonly { readonly path: string; readonly name: string }[] = [
  { path: 'workload.arrivals.users', name: 'users' },
  { path: 'workload.arrivals.rate', name: 'requests a second' },
  { path: 'workload.promptTokens.tokens', name: 'prompt tokens' },
  { path: 'workload.outputTokens.tokens', name: 'output tokens' },
  { path: 'workload.sharing.systemTokens', name: 'system tokens' },
  { path: 'sampling.temperature', name: 'temperature' },
];

export function rampName(path: string): string {
  return RAMPS.find((ramp) => ramp.path === path)?.name ?? path;
}

/** Those that the document has, as it stands. */
export function rampsOf(valueAt: (path: string) => unknown): typeof RAMPS {
  return RAMPS.filter(({ path }) => typeof valueAt(path) === 'number');
}

const FIRST_VALUES: Readonly<Record<string, readonly number[]>> = {
  'workload.arrivals.users': [1, 2, 4, 8, 16, 32],
  'workload.arrivals.rate': [1, 2, 4, 8, 16],
  'sampling.temperature': [0, 1],
};

/** The ramp that a setting begins with. */
export function firstRamp(path: string, value: unknown): LoadSweep {
  const now = typeof value === 'number' ? value : 1;
  const values = FIRST_VALUES[path] ?? [now, 2 * now, 4 * now];
  return { path, values: [...values], stop: { gainPercent: 5, errorPercent: 5 } };
}

export interface LoadPlan {
  readonly points: readonly string[];
  readonly repetitions: number;
  readonly requests: number;
}

/** What the load is about to do. */
export function loadPlan(scenario: LoadScenario): LoadPlan {
  const points = loadPoints(scenario);
  const { repeats, calibrationRepeats } = scenario.measurement;
  const repetitions = repeats + calibrationRepeats;
  const requests = points.reduce((sum, point) => sum + point.scenario.workload.requests, 0);
  return { points: points.map(({ label }) => label), repetitions, requests: requests * repetitions };
}

/** Most requests in flight that the load asks for; null where arrivals don't say. */
export function usersOf({ workload: { arrivals }, sweep }: LoadScenario): number | null {
  if (arrivals.kind !== 'closed') return null;
  const swept =
    sweep?.path === 'workload.arrivals.users' ? sweep.values.filter((v) => typeof v === 'number') : [];
  return Math.max(arrivals.users, ...swept);
}
