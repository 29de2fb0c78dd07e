/** Vocabularies made by hand: what becomes of them, and the sentences where they are damaged. */
import { describe, expect, test } from 'vitest';
import { ModelError } from '../../../src/engine/files/error.ts';
import { ggufTokenizer } from '../../../src/engine/tokenizer/gguf.ts';
import { llama2cTokenizer } from '../../../src/engine/tokenizer/llama2c.ts';
import { createTokenizer } from '../../../src/engine/tokenizer/tokenizer.ts';
import type { Tokenizer } from '../../../src/engine/tokenizer/types.ts';
import { BYTES, byteAlphabet, llama2cFile, metadata, sentencePieces } from './vocabularies.ts';

async function fault(make: () => unknown): Promise<ModelError> {
  const error = await Promise.resolve()
    .then(make)
    .then(
      () => null,
      (thrown: unknown) => thrown,
    );
  if (!(error instanceof ModelError)) throw new Error(`No ModelError: ${String(error)}`);
  expect(error.message).toMatch(/^[^\n]+\.$/);
  return error;
}

async function fromGguf(entries: Record<string, unknown>): Promise<Tokenizer> {
  const files = ggufTokenizer(metadata(entries));
  if (files === null) throw new Error('no vocabulary');
  return createTokenizer(files);
}

const llama = {
  model: 'llama',
  tokens: sentencePieces.map(([piece]) => piece),
  scores: Float32Array.from(sentencePieces, ([, score]) => score),
  token_type: Int32Array.from(sentencePieces, (_, id) => (id === 0 ? 2 : id < 3 ? 3 : id < 259 ? 6 : 1)),
  bos_token_id: 1,
  eos_token_id: 2,
};

const gpt2 = {
  model: 'gpt2',
  tokens: [...byteAlphabet, 'he', 'll', 'hell', 'Ġw', '12', '<|im_end|>', '<tool>'],
  merges: ['h e', 'l l', 'he ll', 'Ġ w', '1 2'],
  token_type: Int32Array.from({ length: 263 }, (_, id) => (id === 261 ? 3 : id === 262 ? 4 : 1)),
  eos_token_id: 261,
};

describe('SentencePiece', () => {
  test('the pair whose union scores best is joined first, wherever it stands', async () => {
    const tokenizer = await fromGguf(llama);
    // "▁ab" (-3) could be read left to right, but "bc" scores best and leaves "▁a" + "bc".
    const names = tokenizer.encode('abc', { special: false }).map((id) => sentencePieces[id]?.[0]);
    expect(names).toEqual(['▁a', 'bc']);
    expect(tokenizer.encode('abc')[0]).toBe(1);
  });

  test('a character outside the vocabulary becomes its bytes and comes back', async () => {
    const tokenizer = await fromGguf(llama);
    const ids = tokenizer.encode('a🦙', { special: false });
    expect(ids.map((id) => sentencePieces[id]?.[0])).toEqual(['▁a', '<0xF0>', '<0x9F>', '<0xA6>', '<0x99>']);
    expect(tokenizer.decode(ids)).toBe('a🦙');
  });

  test('the same vocabulary as GGUF and as llama2.c’s file reads alike', async () => {
    const gguf = await fromGguf(llama);
    const llama2c = await createTokenizer(
      llama2cTokenizer(llama2cFile(sentencePieces), sentencePieces.length),
    );
    for (const text of ['', 'abc', ' a  b\ncab', 'é🦙c', '</s>']) {
      expect(llama2c.encode(text)).toEqual(gguf.encode(text));
      expect(llama2c.decode(llama2c.encode(text))).toBe(gguf.decode(gguf.encode(text)));
    }
  });

  test('without its blank prefix a text begins as it stands', async () => {
    const tokenizer = await fromGguf({ ...llama, add_space_prefix: false, add_bos_token: false });
    expect(tokenizer.encode('bc').map((id) => sentencePieces[id]?.[0])).toEqual(['bc']);
    expect(tokenizer.decode(tokenizer.encode(' bc'))).toBe(' bc');
  });
});

describe('byte-level', () => {
  test('merges, control tokens and user tokens', async () => {
    const tokenizer = await fromGguf(gpt2);
    const ids = tokenizer.encode('hello w<|im_end|><tool>');
    expect(ids.map((id) => gpt2.tokens[id])).toEqual(['hell', 'o', 'Ġw', '<|im_end|>', '<tool>']);
    expect(tokenizer.decode(ids)).toBe('hello w<tool>');
    expect(tokenizer.decode(ids, { special: true })).toBe('hello w<|im_end|><tool>');
    expect(tokenizer).toMatchObject({ bos: null, eos: 261, vocabSize: 263 });
  });

  test.each([
    ['default', ['12', '3', '4']],
    ['llama-bpe', ['12', '3', '4']],
    ['qwen2', ['1', '2', '3', '4']],
    ['smollm', ['1', '2', '3', '4']],
  ])('%s cuts digits its own way', async (pre, words) => {
    const tokenizer = await fromGguf({ ...gpt2, pre });
    expect(tokenizer.encode('1234').map((id) => gpt2.tokens[id])).toEqual(words);
    const hard = "I'LL\r\n\n  naïve 漢字 x=12345;\t🦙‍♂️";
    expect(tokenizer.decode(tokenizer.encode(hard))).toBe(hard);
  });

  test('every byte has a token and comes back', async () => {
    const tokenizer = await fromGguf(gpt2);
    const text = String.fromCodePoint(...Array.from({ length: 0x250 }, (_, i) => i + 1));
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    expect(BYTES).toHaveLength(256);
  });
});

describe('damaged vocabularies', () => {
  test('a GGUF without a tokenizer has none', () => {
    expect(ggufTokenizer(new Map())).toBeNull();
    expect(ggufTokenizer(metadata({ model: 'no_vocab' }))).toBeNull();
  });

  test.each([
    [{ ...llama, model: 'rwkv' }, 'unsupported', /"rwkv"; "llama" and "gpt2" are read.*token ids/],
    [{ ...llama, tokens: 'many' }, 'corrupt', /tokens is "many"/],
    [{ ...llama, scores: [1, 2] }, 'corrupt', /scores has 2 entries for 26\d tokens/],
    [{ ...llama, scores: undefined }, 'corrupt', /scores has 0 entries/],
    [{ ...llama, token_type: [1] }, 'corrupt', /token_type has 1 entries/],
    [{ ...llama, tokens: llama.tokens.map(() => 'same') }, 'corrupt', /"same" twice, as tokens 0 and 1/],
    [{ ...llama, bos_token_id: 70_000 }, 'corrupt', /names token 70000, but has only 26\d/],
    [{ ...llama, eos_token_id: -1 }, 'corrupt', /eos_token_id is -1/],
    [{ ...gpt2, merges: undefined }, 'corrupt', /merges is missing/],
    [{ ...gpt2, merges: ['ab'] }, 'corrupt', /no pair of tokens/],
    [{ ...gpt2, pre: 'klingon' }, 'unsupported', /"klingon"; known are default, .*smollm/],
    [{ ...gpt2, tokens: [] }, 'corrupt', /0 tokens/],
  ])('GGUF %#', async (entries, code, sentence) => {
    const error = await fault(() => ggufTokenizer(metadata(entries)));
    expect(error).toMatchObject({ code, message: expect.stringMatching(sentence) });
  });

  test('llama2.c files that are cut off, empty, of another size or no vocabulary', async () => {
    const file = llama2cFile(sentencePieces);
    expect(await fault(() => llama2cTokenizer(file.subarray(0, file.length - 1)))).toMatchObject({
      code: 'corrupt',
      message: expect.stringMatching(/damaged at byte \d+, in token 26\d/),
    });
    expect(await fault(() => llama2cTokenizer(new Uint8Array(0)))).toMatchObject({ code: 'corrupt' });
    expect(await fault(() => llama2cTokenizer(file, 32_000))).toMatchObject({
      message: expect.stringMatching(/26\d tokens and the checkpoint 32000/),
    });
    const lies = file.slice();
    new DataView(lies.buffer).setInt32(8, 2 ** 31 - 1, true);
    expect(await fault(() => llama2cTokenizer(lies))).toMatchObject({ code: 'corrupt' });
  });
});
