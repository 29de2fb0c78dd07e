/**
 * The scenario form's fields, read off the schema: kind, bounds and choices stand there once, and a field that the
 * schema gains appears in the form by itself. Only the words people read are here.
 */
import type * as v from 'valibot';
import { Scenario } from '../core/scenario/schema.ts';
import { keepsZeroOut, leastWords } from '../core/sentences.ts';

interface FieldBase {
  /** Dotted path into the scenario. */
  readonly path: string;
  readonly label: string;
  readonly help: string;
}

export interface NumberField extends FieldBase {
  readonly kind: 'number';
  readonly min: number;
  readonly max: number;
  readonly integer: boolean;
  readonly nullable: boolean;
}

export interface TextField extends FieldBase {
  readonly kind: 'text';
  readonly maxLength: number;
}

export interface ChoiceField extends FieldBase {
  readonly kind: 'choice';
  readonly options: readonly (string | number)[];
}

/** On or off. */
export interface ToggleField extends FieldBase {
  readonly kind: 'toggle';
}

export type Field = NumberField | TextField | ChoiceField | ToggleField;
export type Words = Readonly<Record<string, readonly [label: string, help: string]>>;

/** Parts that have an editor of their own: lists, and names that are paths. */
export const SPECIAL_PATHS = ['workload.groups', 'sweep', 'softwareAdapter'] as const;

const WORDS: Words = {
  title: ['Title', 'Names the run, its figures and its files.'],
  about: ['About', 'What the experiment is for, in a sentence or two.'],
  seed: ['Seed', 'Start of the random generator: the same seed gives the same inputs.'],
  'model.name': ['Model', 'Name of the shape; only the four numbers beside it matter to the kernels.'],
  'model.layers': ['Layers', 'Attention layers; each has a KV pool of its own.'],
  'model.queryHeads': ['Query heads', 'Heads that ask; 1 to 8 times the KV heads.'],
  'model.kvHeads': [
    'KV heads',
    'Heads that are stored; with fewer than query heads it is grouped-query attention.',
  ],
  'model.headDim': ['Head dimension', 'Elements of one K or V vector.'],
  'hardware.adapter': ['Adapter', 'Which GPU to ask for, where the machine has two.'],
  'engine.layout': ['Layout', 'Paged blocks, or one contiguous reservation for each sequence.'],
  'engine.blockSize': ['Block size', 'Tokens in one block of the pool.'],
  'engine.kvFormat': ['KV format', 'How K and V are stored; int8 and smaller are quantised on append.'],
  'engine.residualTokens': ['Residual tokens', 'Newest tokens that int2 keeps in f16, as KIVI does.'],
  'engine.prefillChunkTokens': ['Prefill chunk', 'Prompt tokens that one prefill step processes.'],
  'engine.maxContextTokens': [
    'Reservation',
    'Tokens reserved for a sequence under the contiguous layout; 0: longest prompt + output.',
  ],
  'engine.tier': [
    'Kernel tier',
    'With subgroups, without, or plain TypeScript; auto picks the fastest here.',
  ],
  'engine.windowTokens': ['Sliding window', 'Newest tokens that stay visible; 0: all of them.'],
  'engine.sinkTokens': ['Sink tokens', 'First tokens that stay visible whatever the window is.'],
  'engine.eviction.policy': ['Eviction', 'Which tokens go when a sequence is over its budget.'],
  'engine.eviction.budgetTokens': ['Eviction budget', 'Tokens that a sequence may keep.'],
  'workload.concurrency': ['Concurrency', 'Requests in flight together.'],
  'workload.promptTokens': ['Prompt tokens', 'Length of each prompt.'],
  'workload.outputTokens': ['Output tokens', 'Tokens decoded for each request.'],
  'workload.sharedPrefixTokens': [
    'Shared prefix',
    'Leading prompt tokens that all sequences share; paged, they are stored once.',
  ],
  'measurement.repeats': ['Repeats', 'Kept repetitions of each point, interleaved.'],
  'measurement.warmupRepeats': ['Warm-up', 'Repetitions before them that are dropped.'],
  'objectives.ttftMs': ['TTFT objective, ms', 'Time to first token you would accept; empty: none.'],
  'objectives.tpotMs': ['TPOT objective, ms', 'Time per output token you would accept; empty: none.'],
};

/** What is read of a valibot schema. */
export interface AnySchema {
  readonly type: string;
  readonly entries?: Readonly<Record<string, AnySchema>>;
  readonly wrapped?: AnySchema;
  /** Choices of a picklist, or schemas of a variant. */
  readonly options?: readonly unknown[];
  /** Name of the entry that tells a variant's options apart. */
  readonly key?: string;
  readonly literal?: unknown;
  readonly item?: AnySchema;
  readonly items?: readonly AnySchema[];
  readonly pipe?: readonly { readonly type: string; readonly requirement?: unknown }[];
}

function requirement(schema: AnySchema, type: string): number | null {
  const value = schema.pipe?.find((part) => part.type === type)?.requirement;
  return typeof value === 'number' ? value : null;
}

/** The field of a plain value; null for what is none. */
export function leafField(
  path: string,
  schema: AnySchema,
  nullable: boolean,
  words: Words = WORDS,
): Field | null {
  const [label, help] = words[path] ?? [path, ''];
  switch (schema.type) {
    case 'number': {
      const min = requirement(schema, 'min_value') ?? -Number.MAX_VALUE;
      const max = requirement(schema, 'max_value') ?? Number.MAX_VALUE;
      const integer = schema.pipe?.some((part) => part.type === 'integer') ?? false;
      return { kind: 'number', path, label, help, min, max, integer, nullable };
    }
    case 'string':
      return { kind: 'text', path, label, help, maxLength: requirement(schema, 'max_length') ?? 1000 };
    case 'picklist': {
      const options = (schema.options ?? []).filter((o) => typeof o === 'string' || typeof o === 'number');
      return { kind: 'choice', path, label, help, options };
    }
    case 'boolean':
      return { kind: 'toggle', path, label, help };
    default:
      return null;
  }
}

function walk(schema: AnySchema, path: string): Field[] {
  if (SPECIAL_PATHS.some((special) => special === path)) return [];
  if (schema.entries) {
    return Object.entries(schema.entries).flatMap(([key, child]) =>
      walk(child, path ? `${path}.${key}` : key),
    );
  }
  const nullable = schema.type === 'nullable';
  const inner = nullable ? schema.wrapped : schema;
  const field = inner ? leafField(path, inner, nullable) : null;
  return field ? [field] : [];
}

export function fieldsOf(schema: v.GenericSchema): readonly Field[] {
  return walk(schema as unknown as AnySchema, '');
}

export const SCENARIO_FIELDS: readonly Field[] = fieldsOf(Scenario);

export interface FieldGroup {
  readonly title: string;
  readonly fields: readonly Field[];
}

/** Fields by the part of the scenario they stand in, in the order people think of them. */
export function fieldGroups(fields: readonly Field[] = SCENARIO_FIELDS): readonly FieldGroup[] {
  const under = (title: string, ...prefixes: string[]): FieldGroup => ({
    title,
    fields: fields.filter(({ path }) => prefixes.some((p) => path === p || path.startsWith(`${p}.`))),
  });
  return [
    under('Workload', 'workload'),
    under('Model shape', 'model'),
    under('Engine', 'engine'),
    under('Measurement', 'measurement', 'objectives', 'hardware', 'seed'),
    under('Words', 'title', 'about'),
  ];
}

export type FieldInput =
  | { readonly ok: true; readonly value: string | number | boolean | null }
  | { readonly ok: false; readonly sentence: string };

/** A number as it stands in a sentence: grouped by thousands, and short however large or small it is. */
export function plainNumber(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e15 || size < 1e-9)) return Number(value.toPrecision(6)).toExponential();
  return value.toLocaleString('en', { maximumFractionDigits: 12 });
}

/** What a number field takes, for its explanation: `1 to 1,024`, `more than 0, at most 1,000,000, or empty`. */
export function boundsText({ min, max, nullable }: NumberField): string {
  const range = keepsZeroOut(min)
    ? `more than 0, at most ${plainNumber(max)}`
    : `${plainNumber(min)} to ${plainNumber(max)}`;
  return nullable ? `${range}, or empty` : range;
}

/** What was typed into a field, as the scenario's value or as one sentence. */
export function readField(field: Field, text: string): FieldInput {
  switch (field.kind) {
    case 'text':
      if (text.length <= field.maxLength) return { ok: true, value: text };
      return {
        ok: false,
        sentence: `${field.label} has ${text.length} characters; at most ${field.maxLength} fit.`,
      };
    case 'choice': {
      const option = field.options.find((o) => String(o) === text);
      if (option !== undefined) return { ok: true, value: option };
      return {
        ok: false,
        sentence: `${field.label} is “${text.slice(0, 40)}”; choose one of ${field.options.join(', ')}.`,
      };
    }
    case 'number':
      return readNumber(field, text);
    case 'toggle':
      if (text === 'true' || text === 'false') return { ok: true, value: text === 'true' };
      return { ok: false, sentence: `${field.label} is “${text.slice(0, 40)}”; it is either on or off.` };
    default:
      return field satisfies never;
  }
}

function readNumber(field: NumberField, text: string): FieldInput {
  const trimmed = text.trim();
  if (trimmed === '' && field.nullable) return { ok: true, value: null };
  const value = trimmed === '' ? Number.NaN : Number(trimmed);
  const refuse = (what: string): FieldInput => ({ ok: false, sentence: `${field.label} ${what}` });
  if (!Number.isFinite(value)) return refuse(`is “${trimmed.slice(0, 40)}”; a number is needed.`);
  if (field.integer && !Number.isInteger(value))
    return refuse(`is ${plainNumber(value)}; a whole number is needed.`);
  if (value < field.min) {
    return refuse(`is ${plainNumber(value)}; ${leastWords(value, field.min, plainNumber(field.min))}.`);
  }
  if (value > field.max) return refuse(`is ${plainNumber(value)}; the most is ${plainNumber(field.max)}.`);
  return { ok: true, value };
}
