/**
 * How byte-level tokenizers cut a text into words before they merge, by the name that a GGUF file gives it
 * (`tokenizer.ggml.pre`).
 *
 * Expressions: the `tokenizer.json` of each model, as llama.cpp `src/llama-vocab.cpp` names them.
 */
import { ModelError, quoted } from '../files/error.ts';

interface PreTokenizer {
  readonly preTokenizer: object;
  /** A word that is a token is taken as it stands, whatever the merges say. */
  readonly ignoreMerges: boolean;
}

const byteLevel = (words: boolean): object => ({
  type: 'ByteLevel',
  add_prefix_space: false,
  use_regex: words,
});
const sequence = (...parts: object[]): object => ({ type: 'Sequence', pretokenizers: parts });
const split = (regex: string): object => ({
  type: 'Split',
  pattern: { Regex: regex },
  behavior: 'Isolated',
  invert: false,
});

/** Llama 3's expression, with the most digits of one word as they differ between families. */
const words = (digits: string): string =>
  `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|` +
  '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';

const GPT2: PreTokenizer = { preTokenizer: byteLevel(true), ignoreMerges: false };
const LLAMA3: PreTokenizer = {
  preTokenizer: sequence(split(words('\\p{N}{1,3}')), byteLevel(false)),
  ignoreMerges: true,
};
const QWEN2: PreTokenizer = {
  preTokenizer: sequence(split(words('\\p{N}')), byteLevel(false)),
  ignoreMerges: false,
};
const SMOLLM: PreTokenizer = {
  preTokenizer: sequence({ type: 'Digits', individual_digits: true }, byteLevel(true)),
  ignoreMerges: false,
};

const BY_NAME: ReadonlyMap<string, PreTokenizer> = new Map([
  ['default', GPT2],
  ['gpt-2', GPT2],
  ['phi-2', GPT2],
  ['olmo', GPT2],
  ['llama-bpe', LLAMA3],
  ['llama3', LLAMA3],
  ['llama-v3', LLAMA3],
  ['qwen2', QWEN2],
  ['deepseek-r1-qwen', QWEN2],
  ['smollm', SMOLLM],
]);

/** @throws ModelError `unsupported` */
export function preTokenizerOf(name: string): PreTokenizer {
  const known = BY_NAME.get(name);
  if (known) return known;
  throw new ModelError(
    'unsupported',
    `This file's tokenizer cuts words as ${quoted(name)}; known are ${[...BY_NAME.keys()].join(', ')}. ` +
      'The model still runs on token ids.',
  );
}
