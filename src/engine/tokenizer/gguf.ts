/**
 * The vocabulary in a GGUF file's metadata (`tokenizer.ggml.*`) as a tokenizer's files.
 *
 * Keys: github.com/ggml-org/ggml `docs/gguf.md` and llama.cpp `gguf-py/gguf/constants.py`. Two of its kinds of tokenizer
 * are read: `llama` (SentencePiece BPE with scores) and `gpt2` (byte-level BPE with merges). Left out: `bert`, `t5`,
 * `rwkv`, which belong to models that this engine does not run.
 */
import * as v from 'valibot';
import { fitting } from '../files/json-file.ts';
import { ModelError, quoted } from '../files/error.ts';
import { MAX_TOKENS } from './door.ts';
import {
  byteLevelDocument,
  checkCount,
  controlConfig,
  sentencePieceDocument,
  type Vocabulary,
} from './document.ts';
import { preTokenizerOf } from './pre-tokenizers.ts';
import type { TokenizerDocument, TokenizerFiles } from './types.ts';

const TOKEN_TYPE = { unknown: 2, control: 3, userDefined: 4 } as const;

const Texts = v.pipe(v.custom<readonly string[]>(isTexts, 'must be a list of texts.'), v.readonly());
const Numbers = v.custom<ArrayLike<number>>(isNumbers, 'must be a list of numbers.');
const Id = v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_TOKENS)));

/** The part behind `tokenizer.ggml.`; everything but the tokens may be left out. */
const Metadata = v.object({
  model: v.picklist(['llama', 'gpt2']),
  pre: v.optional(v.pipe(v.string(), v.maxLength(64)), 'default'),
  tokens: Texts,
  scores: v.optional(Numbers),
  token_type: v.optional(Numbers),
  merges: v.optional(Texts),
  bos_token_id: Id,
  eos_token_id: Id,
  unknown_token_id: Id,
  add_bos_token: v.optional(v.boolean()),
  add_eos_token: v.optional(v.boolean(), false),
  add_space_prefix: v.optional(v.boolean(), true),
});
type Metadata = v.InferOutput<typeof Metadata>;

function isTexts(value: unknown): boolean {
  return (
    Array.isArray(value) && value.length <= 4 * MAX_TOKENS && value.every((one) => typeof one === 'string')
  );
}

function isNumbers(value: unknown): boolean {
  if (ArrayBuffer.isView(value)) return !(value instanceof DataView) && !(value instanceof BigInt64Array);
  return Array.isArray(value) && value.length <= MAX_TOKENS && value.every((one) => typeof one === 'number');
}

/**
 * Null where the file carries no vocabulary.
 * @param metadata a GGUF header's key–value pairs, by full key
 * @throws ModelError `corrupt`, or `unsupported` with the name of what is not read
 */
export function ggufTokenizer(metadata: ReadonlyMap<string, unknown>): TokenizerFiles | null {
  const kind = metadata.get('tokenizer.ggml.model');
  if (kind === undefined || kind === 'no_vocab' || kind === 'none') return null;
  if (kind !== 'llama' && kind !== 'gpt2') {
    throw new ModelError(
      'unsupported',
      `This file's tokenizer is ${quoted(String(kind))}; "llama" and "gpt2" are read. The model still runs on token ids.`,
    );
  }
  const own = Object.fromEntries(
    Object.keys(Metadata.entries).flatMap((key) => {
      const value = metadata.get(`tokenizer.ggml.${key}`);
      return value === undefined ? [] : [[key, value]];
    }),
  );
  const parts = fitting('tokenizer.ggml', Metadata, own);
  const vocabulary = vocabularyOf(parts);
  const template = metadata.get('tokenizer.chat_template');
  return {
    tokenizerJson: DOCUMENTS[parts.model](parts, vocabulary),
    tokenizerConfig: controlConfig(
      vocabulary.tokens,
      vocabulary.control,
      typeof template === 'string' ? template : null,
    ),
  };
}

const DOCUMENTS: Record<Metadata['model'], (parts: Metadata, vocabulary: Vocabulary) => TokenizerDocument> = {
  llama: ({ scores, add_space_prefix }, vocabulary) => {
    if (!scores || scores.length !== vocabulary.tokens.length) {
      throw countsDiffer('scores', scores?.length ?? 0, vocabulary.tokens.length);
    }
    return sentencePieceDocument(vocabulary, scores, add_space_prefix);
  },
  gpt2: ({ merges, pre }, vocabulary) => {
    if (!merges || !merges.every((merge) => merge.includes(' '))) {
      throw new ModelError(
        'corrupt',
        'tokenizer.ggml.merges is missing or has an entry that is no pair of tokens.',
      );
    }
    const { preTokenizer, ignoreMerges } = preTokenizerOf(pre);
    return byteLevelDocument(vocabulary, merges, preTokenizer, ignoreMerges);
  },
};

function vocabularyOf(parts: Metadata): Vocabulary {
  const { tokens, token_type: types } = parts;
  checkCount(tokens.length);
  if (types && types.length !== tokens.length) throw countsDiffer('token_type', types.length, tokens.length);
  const ofType = (wanted: number): number[] =>
    types ? tokens.flatMap((_, id) => (types[id] === wanted ? [id] : [])) : [];
  const bos = parts.bos_token_id ?? null;
  const eos = parts.eos_token_id ?? null;
  const unknown = parts.unknown_token_id ?? ofType(TOKEN_TYPE.unknown)[0] ?? null;
  const special = new Set([...ofType(TOKEN_TYPE.control), ...ofType(TOKEN_TYPE.unknown)]);
  for (const id of [bos, eos, unknown]) if (id !== null) special.add(id);
  return {
    tokens,
    control: {
      bos,
      eos,
      unknown,
      // llama.cpp: a SentencePiece model begins with BOS unless the file says otherwise, a byte-level one does not.
      addBos: parts.add_bos_token ?? parts.model === 'llama',
      addEos: parts.add_eos_token,
    },
    special: [...special].sort((a, b) => a - b),
    whole: ofType(TOKEN_TYPE.userDefined).filter((id) => !special.has(id)),
  };
}

function countsDiffer(what: string, count: number, tokens: number): ModelError {
  return new ModelError('corrupt', `tokenizer.ggml.${what} has ${count} entries for ${tokens} tokens.`, {
    has: count,
    needed: tokens,
  });
}
