/**
 * Text to token ids and back, over @huggingface/transformers' tokenizers.
 *
 * Boundary: what a `tokenizer.json` says. The vocabularies of llama2.c and GGUF become such a document first (llama2c.ts,
 * gguf.ts). A model without any tokenizer is no fault here: it runs on token ids, and whoever asks is told so
 * (`NO_TOKENIZER`).
 */
import type { PreTrainedTokenizer } from '@huggingface/transformers';
import { ModelError } from '../files/error.ts';
import { readConfig, readDocument } from './door.ts';
import { textStream } from './stream.ts';
import { loadTransformers } from './transformers.ts';
import type { ChatMessage, Tokenizer, TokenizerFiles } from './types.ts';

/** For a prompt in words to a model that has none. */
export const NO_TOKENIZER =
  'This model came without a tokenizer (tokenizer.json), so it takes and gives token ids: enter ids separated by commas.';

const MAX_TEXT_CHARACTERS = 2 ** 20;

/** @throws ModelError in one sentence where the files are damaged or of a kind that the library does not know. */
export async function createTokenizer(files: TokenizerFiles): Promise<Tokenizer> {
  const document = readDocument(files.tokenizerJson);
  const config = readConfig(files.tokenizerConfig, files.chatTemplate);
  const { PreTrainedTokenizer: Library } = await loadTransformers();
  let library: PreTrainedTokenizer;
  try {
    library = new Library(document, config);
  } catch (cause) {
    throw new ModelError(
      'unsupported',
      `This tokenizer can't be used (${reasonOf(cause)}); the model still runs on token ids.`,
    );
  }
  return overLibrary(library);
}

function overLibrary(library: PreTrainedTokenizer): Tokenizer {
  const vocabulary = library.get_vocab();
  let vocabSize = 0;
  for (const id of vocabulary.values()) vocabSize = Math.max(vocabSize, id + 1);
  const special = new Set<number>(library.all_special_ids);
  const isSpecial = (id: number): boolean => special.has(id);

  /** Blanks stay as they are: a cleaned text could not be written token by token. */
  const write = (ids: readonly number[]): string =>
    ids.length === 0 ? '' : library.decode([...ids], { clean_up_tokenization_spaces: false });
  const decode = (ids: readonly number[], withSpecial = false): string => {
    for (const id of ids) checkId(id, vocabSize);
    return write(withSpecial ? ids : ids.filter((id) => !isSpecial(id)));
  };

  return {
    encode(text, options = {}) {
      checkText(text);
      // An empty text has no tokens but those around it; the library's word splitter takes at least one character.
      return [...library.encode(text, { add_special_tokens: options.special ?? true })];
    },
    decode: (ids, options = {}) => decode(ids, options.special ?? false),
    stream: () => textStream(decode, isSpecial),
    chat: (messages) => (library.chat_template === null ? null : applyTemplate(library, messages)),
    hasChat: library.chat_template !== null,
    bos: library.bos_token_id ?? null,
    eos: library.eos_token_id ?? null,
    vocabSize,
  };
}

function applyTemplate(library: PreTrainedTokenizer, messages: readonly ChatMessage[]): string {
  for (const { content } of messages) checkText(content);
  try {
    const text: unknown = library.apply_chat_template(
      messages.map(({ role, content }) => ({ role, content })),
      { tokenize: false, add_generation_prompt: true },
    );
    if (typeof text !== 'string') throw new Error('it wrote no text');
    return text;
  } catch (cause) {
    throw new ModelError(
      'unsupported',
      `This model's chat template does not take the conversation (${reasonOf(cause)}); send the prompt without it.`,
    );
  }
}

function checkId(id: number, vocabSize: number): void {
  if (Number.isInteger(id) && id >= 0 && id < vocabSize) return;
  throw new ModelError('values', `${id} is no token; this vocabulary's ids go from 0 to ${vocabSize - 1}.`, {
    id,
  });
}

function checkText(text: string): void {
  if (text.length <= MAX_TEXT_CHARACTERS) return;
  throw new ModelError(
    'too-large',
    `The text has ${text.length} characters; the most at once is ${MAX_TEXT_CHARACTERS}: shorten it.`,
    { size: text.length, most: MAX_TEXT_CHARACTERS },
  );
}

/** A cause in a few words, on one line: a library's message may hold a whole document. */
function reasonOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return text
    .replace(/\s+/g, ' ')
    .replace(/[.!]+$/, '')
    .slice(0, 160);
}
