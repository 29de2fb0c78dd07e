/**
 * The door for `tokenizer.json` and `tokenizer_config.json`: bounded, and of the shape that the library takes for granted.
 *
 * Not core/json.ts: a vocabulary is an object whose keys are words, "constructor" and "__proto__" among them. They are
 * own properties of a parsed document, and are only ever read as entries.
 */
import * as v from 'valibot';
import { isJsonObject } from '../../core/json.ts';
import { fitting } from '../files/json-file.ts';
import { ModelError, quoted } from '../files/error.ts';
import type { TokenizerConfig, TokenizerDocument, TokenizerFiles } from './types.ts';

/** Largest known vocabularies have about 256k tokens; their tokenizer.json about 35 MB. */
export const MAX_TOKENS = 2 ** 20;
const MAX_CHARACTERS = 64 * 2 ** 20;
const MAX_CONFIG_CHARACTERS = 8 * 2 ** 20;
const MAX_TEMPLATE_CHARACTERS = 2 ** 18;

/** Left out in old files, where the library tells them apart by their parts. */
const KINDS: readonly string[] = ['BPE', 'Unigram', 'WordPiece'];

const TokenId = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_TOKENS - 1));
const Part = v.optional(v.nullable(v.custom<object>(isJsonObject, 'must be an object.')), null);

const Document = v.object({
  model: v.custom<TokenizerDocument['model']>(
    (model) => isJsonObject(model) && typeof model['vocab'] === 'object' && model['vocab'] !== null,
    'must be an object with a vocabulary.',
  ),
  added_tokens: v.optional(
    v.pipe(
      v.array(v.looseObject({ id: TokenId, content: v.pipe(v.string(), v.minLength(1), v.maxLength(4096)) })),
      v.maxLength(MAX_TOKENS),
    ),
    [],
  ),
  normalizer: Part,
  pre_tokenizer: Part,
  post_processor: Part,
  decoder: Part,
});

function parse(name: string, text: string, maxCharacters: number): unknown {
  if (text.length > maxCharacters) {
    throw new ModelError(
      'too-large',
      `${name} has ${text.length} characters; the most is ${maxCharacters}. The model still runs on token ids.`,
      { size: text.length, most: maxCharacters },
    );
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new ModelError(
      'corrupt',
      `${name} is no JSON, or cut off: fetch it again. The model still runs on token ids.`,
    );
  }
}

/** @throws ModelError `corrupt`, `too-large` */
export function readDocument(from: TokenizerFiles['tokenizerJson']): TokenizerDocument {
  const name = 'tokenizer.json';
  if (typeof from !== 'string') return from;
  const document = fitting(name, Document, parse(name, from, MAX_CHARACTERS));
  checkVocabulary(document);
  return document;
}

/** Ids come from outside and become indices of a list: a single huge one would be a list of that length. */
function checkVocabulary({ model }: TokenizerDocument): void {
  const { type, vocab, merges } = model;
  if (type !== undefined && !KINDS.includes(type)) {
    throw new ModelError(
      'unsupported',
      `tokenizer.json is of kind ${quoted(String(type))}; ${KINDS.join(', ')} are read. The model still runs on token ids.`,
    );
  }
  const count = Array.isArray(vocab) ? vocab.length : Object.keys(vocab).length;
  if (count === 0 || count > MAX_TOKENS) {
    throw new ModelError(
      'corrupt',
      `tokenizer.json has ${count} tokens; between 1 and ${MAX_TOKENS} are read.`,
    );
  }
  if (
    merges !== undefined &&
    (!Array.isArray(merges) || merges.length > 4 * MAX_TOKENS || !merges.every(isMerge))
  ) {
    throw new ModelError('corrupt', 'tokenizer.json has merges that are no pairs of tokens.');
  }
  if (Array.isArray(vocab)) {
    if (vocab.every((entry) => Array.isArray(entry) && typeof entry[0] === 'string')) return;
    throw new ModelError('corrupt', 'tokenizer.json has a vocabulary with an entry that is no token.');
  }
  for (const [token, id] of Object.entries<unknown>(vocab)) {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= MAX_TOKENS) {
      throw new ModelError(
        'corrupt',
        `tokenizer.json gives ${quoted(token)} the id ${String(id)}; ids are whole numbers from 0 to ${MAX_TOKENS - 1}.`,
      );
    }
  }
}

/** "a b" or, since 2024, ["a", "b"]. */
function isMerge(merge: unknown): boolean {
  if (typeof merge === 'string') return merge.includes(' ');
  return Array.isArray(merge) && merge.length === 2 && merge.every((part) => typeof part === 'string');
}

/** @throws ModelError `corrupt`, `too-large` */
export function readConfig(from: TokenizerFiles['tokenizerConfig'], chatTemplate?: string): TokenizerConfig {
  const name = 'tokenizer_config.json';
  const config = typeof from === 'string' ? parse(name, from, MAX_CONFIG_CHARACTERS) : (from ?? {});
  if (!isJsonObject(config)) throw new ModelError('corrupt', `${name} is no object.`);
  const template = chatTemplate ?? config['chat_template'];
  checkTemplate(template);
  const { chat_template: _, ...rest } = config;
  return template === undefined || template === null ? rest : { ...rest, chat_template: template };
}

function checkTemplate(template: unknown): void {
  const size = template === undefined ? 0 : JSON.stringify(template).length;
  if (size <= MAX_TEMPLATE_CHARACTERS) return;
  throw new ModelError(
    'too-large',
    `The chat template has ${size} characters; the most is ${MAX_TEMPLATE_CHARACTERS}.`,
    { size, most: MAX_TEMPLATE_CHARACTERS },
  );
}
