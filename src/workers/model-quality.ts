/** The quality laboratory as the model's service loads it. */
import { promptIds } from '../lab/model/prompts.ts';
import type { ModelSession } from '../lab/model/session.ts';

export { runQuality } from '../lab/quality/run.ts';

/** A text for perplexity as token ids. @throws WishError where the model came without a tokenizer */
export function textIds(text: string, session: ModelSession): readonly number[] {
  const { config } = session.facts;
  return promptIds([{ kind: 'text', text }], config, session.tokenizer)[0] ?? [];
}
