/** JSON from a model's files: bounded, and validated by whoever asked for it. */
import * as v from 'valibot';
import { readJson, type Json } from '../../core/json.ts';
import { issueSentence } from '../../core/sentences.ts';
import { readText, type ByteSource } from './byte-source.ts';
import { ModelError } from './error.ts';

/** Enough for the index of a model with thousands of tensors, and for tokenizer.json of 256k tokens. */
const MAX_BYTES = 64 * 2 ** 20;

/** JSON of a text. @throws ModelError `corrupt` */
export function parseJsonFile(name: string, text: string): Json {
  const read = readJson(text, { what: 'file', maxCharacters: MAX_BYTES, maxDepth: 32, maxValues: 4_000_000 });
  if (!read.ok) throw new ModelError('corrupt', `${name}: ${read.sentence}`);
  return read.value;
}

/** JSON of a whole file. @throws ModelError */
export async function readJsonFile(source: ByteSource, signal?: AbortSignal): Promise<Json> {
  return parseJsonFile(source.name, await readText(source, MAX_BYTES, signal));
}

/** A value as a schema wants it. @throws ModelError `corrupt` with the first thing that does not fit. */
export function fitting<S extends v.GenericSchema>(
  name: string,
  schema: S,
  value: unknown,
): v.InferOutput<S> {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const sentence = issueSentence(parsed.issues, name);
  throw new ModelError('corrupt', sentence.startsWith(name) ? sentence : `${name}: ${sentence}`);
}
