/** The door of tokenizer.json, the chat template, and text that comes token by token. */
import { beforeAll, describe, expect, test } from 'vitest';
import { ModelError } from '../../../src/engine/files/error.ts';
import { ggufTokenizer } from '../../../src/engine/tokenizer/gguf.ts';
import { textStream } from '../../../src/engine/tokenizer/stream.ts';
import { createTokenizer, NO_TOKENIZER } from '../../../src/engine/tokenizer/tokenizer.ts';
import type { Tokenizer, TokenizerFiles } from '../../../src/engine/tokenizer/types.ts';
import { createRandom } from '../../../src/core/random.ts';
import { byteAlphabet, metadata } from './vocabularies.ts';

const CHATML =
  "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** Bytes alone, so that every character beyond ASCII is cut by a token's end. */
function bytesOnly(template?: string): TokenizerFiles {
  const entries = {
    model: 'gpt2',
    tokens: [...byteAlphabet, '<|im_start|>', '<|im_end|>'],
    merges: [],
    token_type: Int32Array.from({ length: 258 }, (_, id) => (id > 255 ? 3 : 1)),
    eos_token_id: 257,
  };
  const pairs = new Map(metadata(entries));
  if (template !== undefined) pairs.set('tokenizer.chat_template', template);
  const files = ggufTokenizer(pairs);
  if (files === null) throw new Error('no vocabulary');
  return files;
}

let bytes: Tokenizer;
beforeAll(async () => {
  bytes = await createTokenizer(bytesOnly());
});

describe('streams', () => {
  const streamed = (tokenizer: Tokenizer, ids: readonly number[]): string[] => {
    const stream = tokenizer.stream();
    return [...ids.map((id) => stream.push(id)), stream.end()];
  };

  test('a character is answered with its last byte', () => {
    const parts = streamed(bytes, bytes.encode('é🦙x'));
    expect(parts).toEqual(['', 'é', '', '', '', '🦙', 'x', '']);
  });

  test('control tokens have no text', () => {
    expect(streamed(bytes, [257, ...bytes.encode('a'), 256]).join('')).toBe('a');
  });

  test('what is cut off at the end is said at the end', () => {
    const ids = bytes.encode('ab🦙').slice(0, -1);
    const parts = streamed(bytes, ids);
    expect(parts.slice(0, -1).join('')).toBe('ab');
    expect(parts.at(-1)).toBe('\ufffd');
  });

  test('bytes that are no text do not hold the stream up for ever', () => {
    const stream = bytes.stream();
    const parts = Array.from({ length: 20 }, () => stream.push(byteAlphabet.indexOf('ÿ')));
    expect(parts.filter((part) => part !== '').length).toBeGreaterThan(1);
  });

  test('any text, in any order, adds up to what is decoded at once', () => {
    const random = createRandom(7);
    const letters = ['a', ' ', '\n', 'é', 'ß', '漢', '🦙', '👩‍🚀', '\u0301', '\u2028', '.'];
    for (let round = 0; round < 50; round++) {
      const text = Array.from(
        { length: 40 },
        () => letters[Math.floor(random.uniform() * letters.length)],
      ).join('');
      const ids = bytes.encode(text);
      expect(streamed(bytes, ids).join('')).toBe(bytes.decode(ids));
      expect(bytes.decode(ids)).toBe(text);
    }
  });

  test('a decoder that drops the first blank drops no other', () => {
    const words = ['▁a', '▁b', 'c', '▁'];
    const decode = (ids: readonly number[]) =>
      ids
        .map((id) => words[id])
        .join('')
        .replaceAll('▁', ' ')
        .replace(/^ /, '');
    const stream = textStream(decode, () => false);
    const ids = [0, 1, 3, 3, 2, 0];
    expect(ids.map((id) => stream.push(id)).join('') + stream.end()).toBe(decode(ids));
  });
});

describe('chat', () => {
  const talk = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Hé?' },
  ] as const;

  test('the template writes the conversation and asks for the answer', async () => {
    const tokenizer = await createTokenizer(bytesOnly(CHATML));
    const text = tokenizer.chat(talk);
    expect(text).toBe(
      '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHé?<|im_end|>\n<|im_start|>assistant\n',
    );
    expect(tokenizer.encode(text ?? '', { special: false }).filter((id) => id > 255)).toEqual([
      256, 257, 256, 257, 256,
    ]);
  });

  test('a template in its own file goes before the one inside', async () => {
    const tokenizer = await createTokenizer({
      ...bytesOnly(CHATML),
      chatTemplate: '{{ messages[0].content }}!',
    });
    expect(tokenizer.chat(talk)).toBe('Be brief.!');
  });

  test('no template, no chat; a refusal is one sentence', async () => {
    expect(bytes.chat(talk)).toBeNull();
    const strict = await createTokenizer(bytesOnly("{{ raise_exception('No system role,\n please!') }}"));
    expect(() => strict.chat(talk)).toThrow(
      /^This model's chat template does not take the conversation \(No system role, please\); send the prompt/,
    );
    const broken = await createTokenizer(bytesOnly('{% for %}'));
    expect(() => broken.chat(talk)).toThrow(ModelError);
  });
});

describe('the door', () => {
  const document = {
    model: { type: 'BPE', vocab: { constructor: 0, __proto: 1, a: 2 }, merges: [] },
    added_tokens: [],
  };
  const files = (change: object): TokenizerFiles => ({
    tokenizerJson: JSON.stringify({ ...document, ...change }),
  });

  test('words that are names of JavaScript are words', async () => {
    const text = '{"model":{"type":"BPE","vocab":{"__proto__":0,"constructor":1,"a":2},"merges":[]}}';
    const tokenizer = await createTokenizer({ tokenizerJson: text });
    expect(tokenizer.decode([0, 1])).toMatch(/__proto__.*constructor/);
    expect(tokenizer.vocabSize).toBe(3);
  });

  test.each([
    ['{"model":', 'corrupt', /no JSON, or cut off/],
    ['[]', 'corrupt', /tokenizer\.json/],
    ['{}', 'corrupt', /model/],
    [files({ model: { vocab: {} } }).tokenizerJson, 'corrupt', /has 0 tokens/],
    [files({ model: { vocab: { a: 2 ** 31 } } }).tokenizerJson, 'corrupt', /"a" the id 2147483648/],
    [files({ model: { vocab: { a: 'x' } } }).tokenizerJson, 'corrupt', /"a" the id x/],
    [files({ model: { vocab: { a: 0 }, merges: ['ab'] } }).tokenizerJson, 'corrupt', /merges/],
    [files({ added_tokens: [{ id: -1, content: 'x' }] }).tokenizerJson, 'corrupt', /id is -1/],
    [files({ normalizer: { type: 'Martian' } }).tokenizerJson, 'unsupported', /Martian.*token ids/],
    [files({ model: { type: 'Martian', vocab: { a: 0 } } }).tokenizerJson, 'unsupported', /token ids/],
  ])('tokenizer.json %#', async (tokenizerJson, code, sentence) => {
    const error: unknown = await createTokenizer({ tokenizerJson }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ModelError);
    expect(error).toMatchObject({ code, message: expect.stringMatching(sentence) });
  });

  test('texts, ids and templates are bounded', async () => {
    expect(() => bytes.encode('a'.repeat(2 ** 20 + 1))).toThrow(
      /1048577 characters; the most at once is 1048576/,
    );
    expect(() => bytes.decode([258])).toThrow("258 is no token; this vocabulary's ids go from 0 to 257.");
    expect(() => bytes.decode([0.5])).toThrow(ModelError);
    await expect(createTokenizer({ ...bytesOnly(), chatTemplate: 'x'.repeat(2 ** 19) })).rejects.toThrow(
      /chat template has \d+ characters/,
    );
  });

  test('an empty text has no tokens and no ids have no text', () => {
    expect(bytes.encode('')).toEqual([]);
    expect(bytes.decode([])).toBe('');
    expect(bytes.decode([257])).toBe('');
    expect(NO_TOKENIZER).toMatch(/token ids/);
  });
});
