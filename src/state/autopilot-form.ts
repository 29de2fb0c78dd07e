/** What the first screen of the autopilot leaves to its default, as a form read off the schema. */
import type { Json } from '../core/json.ts';
import { AutopilotScenario } from '../core/scenario/autopilot/schema.ts';
import type { AnySchema, Words } from './form.ts';
import { partsUnder, type FormGroup, type FormKind, type FormPart } from './sim-form.ts';

const WORDS: Words = {
  title: ['Title', 'Names the run, its figures and its files.'],
  about: ['About', 'What the autopilot is to show, in a sentence or two.'],
  seed: [
    'Seed',
    'Start of the random generator of shadow and canary: the same seed takes the same sequences.',
  ],
  controlMs: ['Looks every, ms', 'Time between two looks at the cache, on its own clock.'],
  simulatedLoss: [
    'Quality lost, as given',
    'Simulated engine: what the shadow meets for each format and for eviction; off: what the laboratory measured on the shipped model.',
  ],
  'simulatedLoss.int8': ['int8', 'Loss of int8, in the units of the largest loss allowed.'],
  'simulatedLoss.int4': ['int4', 'Loss of int4.'],
  'simulatedLoss.int2': ['int2', 'Loss of int2.'],
  'simulatedLoss.evict': ['Evicted', 'Loss of an evicted token.'],
};

const AUTOPILOT: FormKind = { schema: AutopilotScenario as unknown as AnySchema, words: WORDS };

/** What engine and policy do not hold; those have editors of their own. */
export const AUTOPILOT_GROUP: FormGroup = {
  title: 'Autopilot',
  paths: ['controlMs', 'seed', 'simulatedLoss', 'title', 'about'],
  open: true,
};

export function autopilotParts(document: Json): readonly FormPart[] {
  return AUTOPILOT_GROUP.paths.flatMap((path) => partsUnder(document, path, AUTOPILOT));
}

const LOSS: Json = { int8: 0.002, int4: 0.02, int2: 0.3, evict: 0.1 };

/** What a part starts with when it is switched on. */
export function autopilotStart(path: string, kind: string | null): Json {
  return path === 'simulatedLoss' && kind === null ? LOSS : null;
}
