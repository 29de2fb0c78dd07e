/**
 * What every door to a run does before it knows the kind: bounds, version, migration, and whether it is a run at all.
 *
 * Runs of older versions are lifted step by step through MIGRATIONS; runs of newer ones are refused by name.
 */
import * as v from 'valibot';
import { checkJson, isJsonObject, readJson, type JsonBounds, type JsonObject, type Read } from '../json.ts';
import { versionSentence } from '../scenario/version-sentence.ts';
import { issueSentence } from '../sentences.ts';
import { RUN_VERSION, type LazyRun, type Run } from './schema.ts';

export const RUN_BOUNDS: JsonBounds = {
  what: 'run',
  maxCharacters: 200_000_000,
  maxDepth: 14,
  maxValues: 20_000_000,
};

/** As they are listed to whoever brings another. */
export const RUN_KINDS: ReadonlySet<unknown> = new Set<Run['kind']>([
  'lab',
  'check',
  'simulate',
  'quality',
  'serve',
  'tune',
  'plan',
  'load',
  'watch',
  'autopilot',
  'imported',
]);

export type ParsedRun =
  { readonly ok: true; readonly run: Run } | { readonly ok: false; readonly sentence: string };

/** From a version to the next: a document of version n becomes one of version n + 1. */
export type Migrations = Readonly<Record<number, (document: JsonObject) => JsonObject>>;

/** None yet: version 1 is the first. */
const MIGRATIONS: Migrations = {};

/** Lifts a document to `newest`; one whose version has no road there is returned as far as it came. */
export function migrateRun(document: JsonObject, newest = RUN_VERSION, migrations = MIGRATIONS): JsonObject {
  let lifted = document;
  for (let version = Number(lifted['version']); version < newest; version++) {
    const migrate = migrations[version];
    if (!migrate) break;
    lifted = { ...migrate(lifted), version: version + 1 };
  }
  return lifted;
}

/** A document of the newest version and of a kind that there is, from JSON text or a plain object. */
export function readRunDocument(input: unknown): Read<JsonObject> {
  const read: Read<unknown> =
    typeof input === 'string' ? readJson(input, RUN_BOUNDS) : checkJson(input, RUN_BOUNDS);
  if (!read.ok) return read;
  if (!isJsonObject(read.value)) return { ok: false, sentence: 'A run is a JSON object; this is none.' };
  const document = migrateRun(read.value);
  const sentence = versionSentence(document['version'], RUN_VERSION, 'run');
  if (sentence !== null) return { ok: false, sentence };
  if (!RUN_KINDS.has(document['kind'])) {
    const sentence = `This run has no kind; ${[...RUN_KINDS].join(', ')} is needed. Is it another file?`;
    return { ok: false, sentence };
  }
  return { ok: true, value: document };
}

export type LazyKind = LazyRun['kind'];

/** The kind of a document whose schema is not loaded with the first screen; null for the others. */
export function lazyKind({ kind }: JsonObject): LazyKind | null {
  switch (kind) {
    case 'plan':
    case 'load':
    case 'watch':
    case 'autopilot':
    case 'imported':
      return kind;
    default:
      return null;
  }
}

export function parsedRun(schema: v.GenericSchema<unknown, Run>, document: JsonObject): ParsedRun {
  const result = v.safeParse(schema, document, { abortEarly: true });
  if (!result.success) return { ok: false, sentence: issueSentence(result.issues, 'The run') };
  return { ok: true, run: result.output };
}
