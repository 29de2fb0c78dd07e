/**
 * Tokens to text, one at a time: what has been answered stays, and a character is answered when its last byte is there.
 *
 * A token's text depends on the tokens before it (a leading blank is dropped at the start only), so each step decodes a
 * short window twice, without and with the new token, and answers the difference. The window begins where the newest
 * answer began; this is the method of vLLM's and TGI's detokenizers.
 */
import type { TextStream } from './types.ts';

/** What a decoder writes for bytes that are no whole character. */
const REPLACEMENT = '\ufffd';

/** A character has 4 bytes at most, a token one byte at least; who waits longer waits for bytes that are no character. */
const MOST_WAITING = 8;

/**
 * @param decode text of ids, without control tokens
 * @param isSpecial control tokens, which have no text
 */
export function textStream(
  decode: (ids: readonly number[]) => string,
  isSpecial: (id: number) => boolean,
): TextStream {
  let ids: number[] = [];
  /** Ids before this have been answered; they are kept for their influence on the next. */
  let answered = 0;

  const take = (text: string, before: string): string => {
    ids = ids.slice(answered);
    answered = ids.length;
    return text.slice(before.length);
  };

  return {
    push(id) {
      if (isSpecial(id)) return '';
      ids.push(id);
      const before = answered === 0 ? '' : decode(ids.slice(0, answered));
      const text = decode(ids);
      const waiting = ids.length - answered;
      if (text.length <= before.length || (text.endsWith(REPLACEMENT) && waiting < MOST_WAITING)) return '';
      return take(text, before);
    },
    end() {
      if (ids.length === answered) return '';
      const before = answered === 0 ? '' : decode(ids.slice(0, answered));
      const rest = take(decode(ids), before);
      ids = [];
      answered = 0;
      return rest;
    },
  };
}
