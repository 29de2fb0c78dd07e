/**
 * `tokenizer.json` documents made in memory, from vocabularies that came as a list of tokens.
 *
 * SentencePiece's BPE has scores instead of merges: among neighbours whose union is a token, the one with the highest
 * score is joined first. The same order as merges: every split of every token into two tokens, best score first. (Method
 * of Hugging Face's converter, transformers `convert_slow_tokenizer.py`, SentencePieceExtractor.)
 */
import { ModelError, quoted } from '../files/error.ts';
import { MAX_TOKENS } from './door.ts';
import type { AddedToken, TokenizerDocument, TokenizerFiles } from './types.ts';

export interface ControlTokens {
  readonly bos: number | null;
  readonly eos: number | null;
  readonly unknown: number | null;
  /** Whether a text begins with `bos`, ends with `eos`. */
  readonly addBos: boolean;
  readonly addEos: boolean;
}

export interface Vocabulary {
  /** By id. */
  readonly tokens: readonly string[];
  readonly control: ControlTokens;
  /** Ids that have no text: never decoded, found in a text as a whole. */
  readonly special: readonly number[];
  /** Ids with text that are found in a text as a whole. */
  readonly whole: readonly number[];
}

/** Where SentencePiece keeps a blank. */
export const BLANK = '\u2581';

/** @throws ModelError `corrupt` */
export function sentencePieceDocument(
  vocabulary: Vocabulary,
  scores: ArrayLike<number>,
  addBlankPrefix: boolean,
): TokenizerDocument {
  const prefix = addBlankPrefix ? [{ type: 'Prepend', prepend: BLANK }] : [];
  const strip = addBlankPrefix ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : [];
  return document(vocabulary, {
    model: {
      type: 'BPE',
      vocab: idsByToken(vocabulary.tokens),
      merges: mergesByScore(vocabulary.tokens, scores),
      unk_token: vocabulary.control.unknown === null ? null : vocabulary.tokens[vocabulary.control.unknown],
      fuse_unk: true,
      byte_fallback: true,
    },
    normalizer: {
      type: 'Sequence',
      normalizers: [...prefix, { type: 'Replace', pattern: { String: ' ' }, content: BLANK }],
    },
    pre_tokenizer: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: BLANK }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        ...strip,
      ],
    },
  });
}

/** Byte-level BPE, GPT-2's and its successors': tokens are written in its alphabet of visible bytes. */
export function byteLevelDocument(
  vocabulary: Vocabulary,
  merges: readonly string[],
  preTokenizer: object,
  ignoreMerges: boolean,
): TokenizerDocument {
  return document(vocabulary, {
    model: {
      type: 'BPE',
      vocab: idsByToken(vocabulary.tokens),
      merges,
      ignore_merges: ignoreMerges,
    },
    normalizer: null,
    pre_tokenizer: preTokenizer,
    decoder: { type: 'ByteLevel' },
  });
}

function document(
  { tokens, control, special, whole }: Vocabulary,
  parts: Pick<TokenizerDocument, 'model' | 'normalizer' | 'pre_tokenizer' | 'decoder'>,
): TokenizerDocument {
  const added = (id: number, isSpecial: boolean): AddedToken => ({
    id,
    content: tokenAt(tokens, id),
    special: isSpecial,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  });
  return {
    ...parts,
    added_tokens: [...special.map((id) => added(id, true)), ...whole.map((id) => added(id, false))],
    post_processor: template(tokens, control),
  };
}

function template(tokens: readonly string[], { bos, eos, addBos, addEos }: ControlTokens): object | null {
  const before = addBos && bos !== null ? [bos] : [];
  const after = addEos && eos !== null ? [eos] : [];
  if (before.length + after.length === 0) return null;
  const special = (id: number) => ({ SpecialToken: { id: tokenAt(tokens, id), type_id: 0 } });
  const sequence = (id: string, type: number) => ({ Sequence: { id, type_id: type } });
  const around = (inner: object[]) => [...before.map(special), ...inner, ...after.map(special)];
  return {
    type: 'TemplateProcessing',
    single: around([sequence('A', 0)]),
    pair: around([sequence('A', 0), sequence('B', 1)]),
    special_tokens: Object.fromEntries(
      [...before, ...after].map((id) => {
        const token = tokenAt(tokens, id);
        return [token, { id: token, ids: [id], tokens: [token] }];
      }),
    ),
  };
}

/** What tokenizer_config.json would say. */
export function controlConfig(
  tokens: readonly string[],
  { bos, eos, unknown }: ControlTokens,
  chatTemplate: string | null,
): NonNullable<Exclude<TokenizerFiles['tokenizerConfig'], string>> {
  const named = (name: string, id: number | null) => (id === null ? {} : { [name]: tokenAt(tokens, id) });
  return {
    ...named('bos_token', bos),
    ...named('eos_token', eos),
    ...named('unk_token', unknown),
    ...(chatTemplate === null ? {} : { chat_template: chatTemplate }),
    clean_up_tokenization_spaces: false,
  };
}

/** @throws ModelError `corrupt` for an id beyond the vocabulary. */
export function tokenAt(tokens: readonly string[], id: number): string {
  const token = tokens[id];
  if (token !== undefined) return token;
  throw new ModelError('corrupt', `The vocabulary names token ${id}, but has only ${tokens.length} tokens.`, {
    id,
  });
}

/** @throws ModelError `corrupt`: a token that stands twice could be read, never written back. */
function idsByToken(tokens: readonly string[]): Readonly<Record<string, number>> {
  checkCount(tokens.length);
  const ids = new Map<string, number>();
  for (const [id, token] of tokens.entries()) {
    const first = ids.get(token);
    if (first !== undefined) {
      throw new ModelError(
        'corrupt',
        `The vocabulary has ${quoted(token)} twice, as tokens ${first} and ${id}.`,
      );
    }
    ids.set(token, id);
  }
  return Object.fromEntries(ids);
}

/** @throws ModelError `corrupt` */
export function checkCount(count: number): void {
  if (Number.isInteger(count) && count > 0 && count <= MAX_TOKENS) return;
  throw new ModelError(
    'corrupt',
    `The vocabulary says that it has ${count} tokens; 1 to ${MAX_TOKENS} are read.`,
    {
      count,
    },
  );
}

/** [left, right] by descending score of their union; among equals by the parts' own ids. */
function mergesByScore(tokens: readonly string[], scores: ArrayLike<number>): [string, string][] {
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const found: { left: number; right: number; score: number }[] = [];
  for (const [id, token] of tokens.entries()) {
    const letters = [...token];
    for (let cut = 1, at = 0; cut < letters.length; cut++) {
      at += letters[cut - 1]?.length ?? 0;
      const left = ids.get(token.slice(0, at));
      const right = ids.get(token.slice(at));
      if (left === undefined || right === undefined) continue;
      found.push({ left, right, score: scores[id] ?? 0 });
    }
  }
  found.sort((a, b) => b.score - a.score || a.left - b.left || a.right - b.right);
  return found.map(({ left, right }) => [tokenAt(tokens, left), tokenAt(tokens, right)]);
}
