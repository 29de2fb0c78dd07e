/**
 * The form of a simulation, read off the schema and the document: a variant shows the fields of the kind that is
 * chosen, an optional part shows its fields while it is there. Words are in sim-words.ts, what a part starts with when
 * it is switched on is in sim-starts.ts.
 */
import type { Json, JsonObject } from '../core/json.ts';
import { isJsonObject } from '../core/json.ts';
import { valueAt } from '../core/scenario/layer.ts';
import { SimScenario } from '../core/scenario/simulate/schema.ts';
import { leafField, type AnySchema, type Field, type Words } from './form.ts';
import { startOf } from './sim-starts.ts';
import { SIM_WORDS } from './sim-words.ts';

interface PartBase {
  readonly path: string;
  readonly label: string;
  readonly help: string;
}

/** One of several kinds of a thing; choosing another replaces the whole of it. */
export interface VariantPart extends PartBase {
  readonly kind: 'variant';
  readonly options: readonly string[];
}

/** A thing that may be absent. */
export interface OptionalPart extends PartBase {
  readonly kind: 'optional';
}

/** A list with an editor of its own. */
export interface ListPart extends PartBase {
  readonly kind: 'list';
}

/** A model or a GPU by its name: the room has them all to look through (record-rows.ts). */
export interface RecordPart extends PartBase {
  readonly kind: 'record';
  readonly record: 'model' | 'gpu';
}

export type FormPart = Field | VariantPart | OptionalPart | ListPart | RecordPart;

export interface FormGroup {
  readonly title: string;
  readonly paths: readonly string[];
  readonly open?: boolean;
}

/** In the order people think of them; every path of the scenario lies under one. */
export const SIM_GROUPS: readonly FormGroup[] = [
  {
    title: 'Model and GPU',
    paths: ['model', 'hardware', 'engine.weights', 'engine.kvFormat'],
    open: true,
  },
  {
    title: 'Workload',
    paths: ['workload'],
    open: true,
  },
  {
    title: 'Scheduler',
    paths: [
      'engine.scheduler',
      'engine.tokenBudget',
      'engine.maxSequences',
      'engine.batchWaitMs',
      'engine.maxModelTokens',
      'engine.longPrefillTokens',
      'engine.priorities',
      'engine.preemption',
      'engine.watermark',
      'engine.reserveFullPrompt',
      'engine.speculation',
    ],
  },
  { title: 'KV cache', paths: ['engine.blockSize', 'engine.prefixCache', 'engine.cachePolicy'] },
  { title: 'Replicas and tiers', paths: ['cluster'] },
  { title: 'Step times', paths: ['cost'] },
  { title: 'Objectives and seeds', paths: ['objectives', 'seed', 'repeats'] },
  { title: 'Words', paths: ['title', 'about'] },
];

/** Lists with an editor of their own, wherever they stand. */
const EDITORS = new Set(['cluster.tiers', 'sweep']);
/** Texts that name a record. */
const RECORDS: Readonly<Record<string, 'model' | 'gpu'>> = { model: 'model', 'hardware.gpu': 'gpu' };

/** A kind of scenario as a form: what it is read off, and what its settings are called. */
export interface FormKind {
  readonly schema: AnySchema;
  readonly words: Words;
}

const SIMULATION: FormKind = { schema: SimScenario as unknown as AnySchema, words: SIM_WORDS };

/** The parts of the form under a path, as the document stands. */
export function partsUnder(document: Json, path: string, kind: FormKind = SIMULATION): readonly FormPart[] {
  const schema = schemaAt(kind.schema, path.split('.'));
  return schema === null ? [] : new Walk(document, kind.words).parts(schema, path);
}

/** What a part becomes when another kind is chosen, or when it is switched on; keeps what both kinds have. */
export function chosenPart(
  document: Json,
  path: string,
  kind: string | null,
  starts: (path: string, kind: string | null) => Json = startOf,
): Json {
  const start = starts(path, kind);
  const before = valueAt(document, path);
  if (!isJsonObject(start) || !isJsonObject(before)) return start;
  const kept: JsonObject = Object.fromEntries(
    Object.keys(start).flatMap((name) => {
      const value = before[name];
      return name === 'kind' || value === undefined ? [] : [[name, value] as const];
    }),
  );
  return { ...start, ...kept };
}

function schemaAt(schema: AnySchema, names: readonly string[]): AnySchema | null {
  const [name, ...rest] = names;
  if (name === undefined) return schema;
  const child = schema.entries?.[name];
  return child === undefined ? null : schemaAt(child, rest);
}

class Walk {
  readonly #document: Json;
  readonly #words: Words;

  constructor(document: Json, words: Words) {
    this.#document = document;
    this.#words = words;
  }

  parts(schema: AnySchema, path: string): FormPart[] {
    if (EDITORS.has(path)) return [{ kind: 'list', path, ...this.#named(path) }];
    const record = RECORDS[path];
    if (record !== undefined) return [{ kind: 'record', path, record, ...this.#named(path) }];
    switch (schema.type) {
      case 'variant':
        return this.#variant(schema, path);
      case 'optional':
        return schema.wrapped ? this.parts(schema.wrapped, path) : [];
      case 'nullable':
        return this.#nullable(schema, path);
      case 'array':
        return [{ kind: 'list', path, ...this.#named(path) }];
      case 'tuple':
        return (schema.items ?? []).flatMap((item, i) => this.parts(item, `${path}.${i}`));
      default:
        if (schema.entries) return this.#entries(schema, path);
        return [leafField(path, schema, false, this.#words)].flatMap((field) => field ?? []);
    }
  }

  #named(path: string): { label: string; help: string } {
    const [label, help] = this.#words[path] ?? [path.split('.').at(-1) ?? path, ''];
    return { label, help };
  }

  #entries(schema: AnySchema, path: string, without = ''): FormPart[] {
    return Object.entries(schema.entries ?? {}).flatMap(([name, child]) =>
      name === without ? [] : this.parts(child, `${path}.${name}`),
    );
  }

  #variant(schema: AnySchema, path: string): FormPart[] {
    const key = schema.key ?? 'kind';
    const options = (schema.options ?? []) as readonly AnySchema[];
    const kindOf = (option: AnySchema) => String(option.entries?.[key]?.literal);
    const chosen = valueAt(this.#document, `${path}.${key}`);
    const current = options.find((option) => kindOf(option) === chosen);
    const choice: VariantPart = { kind: 'variant', path, ...this.#named(path), options: options.map(kindOf) };
    return [choice, ...(current === undefined ? [] : this.#entries(current, path, key))];
  }

  #nullable(schema: AnySchema, path: string): FormPart[] {
    const inner = schema.wrapped;
    if (inner === undefined) return [];
    if (!inner.entries) return [leafField(path, inner, true, this.#words)].flatMap((field) => field ?? []);
    const part: OptionalPart = { kind: 'optional', path, ...this.#named(path) };
    const present = valueAt(this.#document, path) !== null;
    return [part, ...(present ? this.#entries(inner, path) : [])];
  }
}

/** What a sweep can go over: a field, or a record by its name. */
type SweptPart = Field | RecordPart;

/** Every path that the form can show in this document, for sweeps and tests. */
export function formFields(document: Json): readonly SweptPart[] {
  return SIM_GROUPS.flatMap(({ paths }) => paths)
    .flatMap((path) => partsUnder(document, path))
    .filter((part): part is SweptPart => !['variant', 'optional', 'list'].includes(part.kind));
}
