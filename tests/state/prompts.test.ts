/** From what a person wrote to token ids: plain text, a message in the model's chat template, or ids. */
import { expect, test } from 'vitest';
import { promptIds } from '../../src/lab/model/prompts.ts';
import type { Tokenizer } from '../../src/engine/tokenizer/types.ts';
import { ModelForm } from '../../src/state/model-form.svelte.ts';

/** One token a character; BOS is 1 and comes with special tokens only. */
function letters(template: ((text: string) => string) | null): Tokenizer {
  return {
    encode: (text, options) => [
      ...(options?.special === false ? [] : [1]),
      ...Array.from(text, (letter) => letter.charCodeAt(0)),
    ],
    decode: (ids) => String.fromCharCode(...ids),
    stream: () => ({ push: (id) => String.fromCharCode(id), end: () => '' }),
    chat: (messages) => template?.(messages.map(({ content }) => content).join()) ?? null,
    hasChat: template !== null,
    bos: 1,
    eos: 2,
    vocabSize: 128,
  };
}

const config = { vocab: 128 };

test.each([
  [{ kind: 'text', text: 'Hi' }, [1, 72, 105]],
  [{ kind: 'chat', text: 'Hi' }, [60, 72, 105, 62]],
  [{ kind: 'ids', ids: [3, 4] }, [3, 4]],
] as const)('%j', (prompt, ids) => {
  expect(
    promptIds(
      [prompt],
      config,
      letters((text) => `<${text}>`),
    ),
  ).toEqual([ids]);
});

test.each([
  [{ kind: 'chat', text: 'Hi' }, letters(null), /no chat template; send the prompt as plain text/],
  [{ kind: 'chat', text: 'Hi' }, null, /without a tokenizer/],
  [{ kind: 'text', text: 'Hi' }, null, /without a tokenizer/],
  [{ kind: 'ids', ids: [128] }, null, /token 128; this model knows the tokens 0 to 127/],
] as const)('%j is refused in words', (prompt, tokenizer, sentence) => {
  expect(() => promptIds([prompt], config, tokenizer)).toThrow(sentence);
});

test('the form sends messages where the model answers them', () => {
  const form = new ModelForm();
  form.prompts = ['Hi'];
  expect(form.wish).toMatchObject({ ok: true, value: { prompts: [{ kind: 'text', text: 'Hi' }] } });
  form.asChat = true;
  expect(form.wish).toMatchObject({ ok: true, value: { prompts: [{ kind: 'chat', text: 'Hi' }] } });
  form.asIds = true;
  form.prompts = ['3, 4'];
  expect(form.wish).toMatchObject({ ok: true, value: { prompts: [{ kind: 'ids', ids: [3, 4] }] } });
});
