/** The fields of one act, read off its schema: what a line of a script needs, kind by kind. */
import * as v from 'valibot';
import { ActCommand } from '../core/scenario/autopilot/action.ts';
import { leafField, readField, type AnySchema, type Field, type Words } from './form.ts';

export type ActKind = ActCommand['kind'];

export interface ActKindWords {
  readonly kind: ActKind;
  readonly name: string;
  readonly about: string;
}

/** In the order in which a person meets them. */
export const ACT_KINDS: readonly ActKindWords[] = [
  { kind: 'submit', name: 'submit a sequence', about: 'A sequence comes and its prompt is computed.' },
  {
    kind: 'quantize',
    name: 'quantize',
    about: 'Its tokens become a smaller format; a whole block is given back.',
  },
  { kind: 'evict', name: 'evict', about: 'Its tokens are dropped, and no later token sees them.' },
  { kind: 'offload', name: 'offload', about: 'Its tokens move to a lower tier, and are read from there.' },
  { kind: 'fetch', name: 'fetch', about: 'Its tokens come back to the GPU’s memory.' },
  {
    kind: 'prefixCache',
    name: 'limit the prefix cache',
    about: 'Blocks of sequences that ended; empty: as many as are free.',
  },
  { kind: 'concurrency', name: 'limit the concurrency', about: 'Sequences that are there at the same time.' },
  {
    kind: 'admission',
    name: 'limit the admission',
    about: 'New sequences start below this KV use alone; 1: always.',
  },
  { kind: 'chunk', name: 'set the chunk size', about: 'Tokens of one step.' },
  {
    kind: 'finish',
    name: 'finish a sequence',
    about: 'It ends; its blocks may stay for one that comes again under its name.',
  },
  { kind: 'report', name: 'report', about: 'What the cache holds, into the answers.' },
  { kind: 'reset', name: 'reset', about: 'Back to the empty cache.' },
];

const WORDS: Words = {
  sequence: ['Sequence', 'Its name.'],
  tokens: ['Tokens', 'Length of its prompt.'],
  pinned: ['Pinned', 'No action may touch it.'],
  from: ['From token', 'First token of the range, as it was when it was computed.'],
  to: ['To token', 'The token behind the range.'],
  format: ['Format', 'What the range becomes.'],
  tier: ['Tier', 'Where the range goes.'],
  blocks: ['Blocks', 'That the prefix cache may hold; empty: as many as are free.'],
  maxSequences: ['Sequences', 'At most, at the same time.'],
  belowUse: ['KV use below', 'From 0 to 1.'],
  tokenBudget: ['Tokens a step', 'That one step computes.'],
  label: ['Label', 'A word beside the report, or none.'],
};

interface FieldOfAct {
  readonly field: Field;
  /** It may be left out. */
  readonly optional: boolean;
}

function fieldOf(name: string, schema: AnySchema): FieldOfAct[] {
  const optional = schema.type === 'optional';
  const present = optional && schema.wrapped ? schema.wrapped : schema;
  const nullable = present.type === 'nullable';
  const inner = nullable && present.wrapped ? present.wrapped : present;
  const field = leafField(name, inner, nullable, WORDS);
  return field === null ? [] : [{ field, optional }];
}

/** The fields of a kind, without the kind itself. */
export function actFields(kind: ActKind): readonly FieldOfAct[] {
  const options = ActCommand.options as unknown as readonly AnySchema[];
  const option = options.find(({ entries }) => entries?.['kind']?.literal === kind);
  return Object.entries(option?.entries ?? {}).flatMap(([name, schema]) =>
    name === 'kind' ? [] : fieldOf(name, schema),
  );
}

export type ReadAct =
  { readonly ok: true; readonly command: ActCommand } | { readonly ok: false; readonly sentence: string };

/** What was typed for a kind, as a command or as one sentence. */
export function readAct(kind: ActKind, texts: Readonly<Record<string, string>>): ReadAct {
  const values: Record<string, string | number | boolean | null> = { kind };
  for (const { field, optional } of actFields(kind)) {
    const text = texts[field.path] ?? (field.kind === 'toggle' ? 'false' : '');
    if (optional && text.trim() === '') continue;
    if (field.kind === 'text' && text.trim() === '') {
      return { ok: false, sentence: `${field.label} is empty; give it a name such as a.` };
    }
    const read = readField(field, text);
    if (!read.ok) return read;
    // Off is what is left out.
    if (optional && read.value === false) continue;
    values[field.path] = read.value;
  }
  const command = v.safeParse(ActCommand, values);
  return command.success
    ? { ok: true, command: command.output }
    : { ok: false, sentence: 'These values make no act together; look them over.' };
}
