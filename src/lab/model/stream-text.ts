/**
 * Text out of a stream of tokens. A tokenizer decodes whole sequences: a token alone may be half a character, or lose the
 * space before it. So each new piece is the difference of two decodings that begin at the same token a little earlier, as
 * serving engines do it (vLLM v1/engine/detokenizer.py).
 */
import type { TextCodec } from './context.ts';

const UNFINISHED = '\uFFFD';
/** A character that has not ended after so many tokens never will: the bytes are no UTF-8. */
const MOST_TOKENS_OF_A_CHARACTER = 8;

export class TextStream {
  readonly #codec: TextCodec;
  readonly #ids: number[];
  /** Where both decodings begin, and how far the text has been given out. */
  #from: number;
  #read: number;

  /** @param promptIds the tokens before the stream; their text is not given out again */
  constructor(codec: TextCodec, promptIds: readonly number[] = []) {
    this.#codec = codec;
    this.#ids = promptIds.slice(-MOST_TOKENS_OF_A_CHARACTER);
    this.#from = 0;
    this.#read = this.#ids.length;
  }

  /** The text that one more token adds; empty in the middle of a character. */
  push(token: number): string {
    this.#ids.push(token);
    const before = this.#codec.decode(this.#ids.slice(this.#from, this.#read));
    const now = this.#codec.decode(this.#ids.slice(this.#from));
    const unfinished = now.endsWith(UNFINISHED) && this.#ids.length - this.#read < MOST_TOKENS_OF_A_CHARACTER;
    if (unfinished || now.length <= before.length) return '';
    this.#from = this.#read;
    this.#read = this.#ids.length;
    return now.slice(before.length);
  }

  /** What is left when no token comes any more: half a character, as U+FFFD. */
  end(): string {
    const before = this.#codec.decode(this.#ids.slice(this.#from, this.#read));
    const now = this.#codec.decode(this.#ids.slice(this.#from));
    this.#from = this.#read = this.#ids.length;
    return now.slice(before.length);
  }
}
