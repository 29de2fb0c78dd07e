/** An expression cut into numbers, names and signs. */
import type { Read } from '../../core/json.ts';

export type Token =
  | { readonly kind: 'number'; readonly value: number; readonly at: number }
  | { readonly kind: 'name'; readonly name: string; readonly at: number }
  | { readonly kind: 'sign'; readonly sign: string; readonly at: number };

const NUMBER = /^(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*/;
const SIGNS = '+-*/^(),';

/** @returns tokens in order; the sentence names the first character that belongs to none */
export function tokensOf(text: string): Read<Token[]> {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const rest = text.slice(at);
    const space = /^\s+/.exec(rest);
    if (space) {
      at += space[0].length;
      continue;
    }
    const token = tokenOf(rest, at);
    if (token === null) {
      const sign = JSON.stringify(String.fromCodePoint(rest.codePointAt(0) ?? 0));
      return {
        ok: false,
        sentence: `The expression has ${sign} at character ${at + 1}; it may have numbers, names and + − * / ^ ( ) , only.`,
      };
    }
    tokens.push(token.token);
    at += token.length;
  }
  return { ok: true, value: tokens };
}

function tokenOf(rest: string, at: number): { token: Token; length: number } | null {
  const number = NUMBER.exec(rest)?.[0];
  if (number !== undefined)
    return { token: { kind: 'number', value: Number(number), at }, length: number.length };
  const name = NAME.exec(rest)?.[0];
  if (name !== undefined) return { token: { kind: 'name', name, at }, length: name.length };
  // The typographic minus is what a text program makes of a hyphen.
  const sign = rest[0] === '−' ? '-' : (rest[0] ?? '');
  return SIGNS.includes(sign) ? { token: { kind: 'sign', sign, at }, length: 1 } : null;
}
