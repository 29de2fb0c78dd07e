/** Sequences on the move as people read them. */
import { layoutOf } from '../../core/transfer/kv.ts';
import type { MovedSequence, SequenceSnapshot } from '../../core/transfer/types.ts';
import type { Tokenizer } from '../../engine/tokenizer/types.ts';
import type { ArrivedSequence, MoveText } from './types.ts';

type Texts = Pick<MovedSequence, 'promptIds' | 'output' | 'maxTokens'>;

/** Without a tokenizer token ids stand for text. */
export function moveText({ promptIds, output, maxTokens }: Texts, tokenizer: Tokenizer | null): MoveText {
  const prompt = tokenizer ? tokenizer.decode(promptIds) : promptIds.join(', ');
  // Decoded together, so that the space between them is where it belongs.
  const whole = tokenizer ? tokenizer.decode([...promptIds, ...output]) : '';
  return {
    prompt,
    output: tokenizer ? whole.slice(prompt.length) : output.join(', '),
    promptTokens: promptIds.length,
    outputTokens: output.length,
    maxTokens,
  };
}

export function arrivedSequence(
  { model, shape, sequence, kv }: SequenceSnapshot,
  tokenizer: Tokenizer | null,
): ArrivedSequence {
  const words = kv.blocks.reduce((sum, { length }) => sum + length, kv.ring?.length ?? 0);
  return {
    text: moveText(sequence, tokenizer),
    cache: { kvFormat: layoutOf(shape).format, blockSize: shape.blockSize },
    kvTokens: kv.tokens,
    bytes: words * 4,
    model: model.name,
  };
}
