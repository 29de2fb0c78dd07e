/** The golden texts through both vocabularies and a tokenizer.json: ids to text, and the text back to the same ids. */
import { describe, expect, test } from 'vitest';
import { llama2cTokenizer } from '../../../src/engine/tokenizer/llama2c.ts';
import { createTokenizer } from '../../../src/engine/tokenizer/tokenizer.ts';
import { referenceBytes, referenceText, whyNoReferenceData } from '../../reference-data.ts';

const GOLDEN = 'weights/golden_greedy.json';
const missing = whyNoReferenceData(GOLDEN);

describe.skipIf(missing !== null)(`golden text${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const golden = missing ? null : JSON.parse(referenceText(GOLDEN));

  test('tok512.bin writes the golden text and reads it back', async () => {
    const tokenizer = await createTokenizer(
      llama2cTokenizer(await referenceBytes('weights/tok512.bin'), 512),
    );
    const { greedy_tokens: ids, text } = golden['stories260K'];
    // The golden text is the tokens as they stand in the file: with the first blank, and a line end as its byte's name.
    const expected = text.replaceAll('<0x0A>', '\n').slice(1);
    expect(tokenizer.decode(ids)).toBe(expected);
    expect(tokenizer.encode(expected)).toEqual(ids);
    const stream = tokenizer.stream();
    expect(ids.map((id: number) => stream.push(id)).join('') + stream.end()).toBe(expected);
    expect(tokenizer).toMatchObject({ bos: 1, eos: 2, vocabSize: 512 });
    expect(tokenizer.chat([{ role: 'user', content: 'Hi' }])).toBeNull();
  });

  test('tinystories-656k’s tokenizer.json reads the prompt and writes the golden text', async () => {
    const folder = 'weights/tinystories-656k';
    const tokenizer = await createTokenizer({
      tokenizerJson: referenceText(`${folder}/tokenizer.json`),
      tokenizerConfig: referenceText(`${folder}/tokenizer_config.json`),
    });
    const { prompt_text, prompt, greedy_tokens: ids, text } = golden['tinystories-656k'];
    expect(tokenizer.encode(prompt_text)).toEqual(prompt);
    expect(tokenizer.decode(ids, { special: true })).toBe(text);
    // The model spelt its end token out in four tokens before it gave it: only the last is a control token.
    const plain = tokenizer.decode(ids);
    expect(plain).toBe(text.replace('<|start_story|> ', '').replace(/<\|end_story\|>$/, ''));
    expect(tokenizer.encode(plain)).toEqual(ids.slice(0, -1));
    const stream = tokenizer.stream();
    expect(ids.map((id: number) => stream.push(id)).join('') + stream.end()).toBe(plain);
    expect(tokenizer).toMatchObject({ bos: 1, eos: 2, vocabSize: 2048 });
  });
});
