/** Prompts to token ids, checked against the model. */
import type { ModelConfig } from '../../engine/config.ts';
import { NO_TOKENIZER } from '../../engine/tokenizer/tokenizer.ts';
import type { Tokenizer } from '../../engine/tokenizer/types.ts';
import { WishError } from './errors.ts';
import type { Prompt } from './types.ts';

const NO_CHAT = 'This model has no chat template; send the prompt as plain text.';

export const MOST_PROMPTS = 32;

/** @throws WishError */
export function promptIds(
  prompts: readonly Prompt[],
  config: Pick<ModelConfig, 'vocab'>,
  tokenizer: Tokenizer | null,
): readonly (readonly number[])[] {
  if (prompts.length === 0) throw new WishError('There is no prompt; write one.');
  if (prompts.length > MOST_PROMPTS) {
    throw new WishError(`${prompts.length} prompts are too many; give ${MOST_PROMPTS} at most.`);
  }
  return prompts.map((prompt, at) => {
    const ids = idsOf(prompt, tokenizer);
    const which = prompts.length === 1 ? 'The prompt' : `Prompt ${at + 1}`;
    if (ids.length === 0) throw new WishError(`${which} is empty; write one token at least.`);
    const wrong = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= config.vocab);
    if (wrong !== undefined) {
      throw new WishError(
        `${which} holds the token ${wrong}; this model knows the tokens 0 to ${config.vocab - 1}.`,
      );
    }
    return ids;
  });
}

function idsOf(prompt: Prompt, tokenizer: Tokenizer | null): readonly number[] {
  switch (prompt.kind) {
    case 'ids':
      return prompt.ids;
    case 'text':
      if (tokenizer === null) throw new WishError(NO_TOKENIZER);
      return tokenizer.encode(prompt.text);
    case 'chat': {
      if (tokenizer === null) throw new WishError(NO_TOKENIZER);
      const text = tokenizer.chat([{ role: 'user', content: prompt.text }]);
      if (text === null) throw new WishError(NO_CHAT);
      // The template writes the control tokens itself.
      return tokenizer.encode(text, { special: false });
    }
    default:
      return prompt satisfies never;
  }
}
