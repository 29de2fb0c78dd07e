/** Lists of pairs as people type them: `0:16, 0.5:512, 1:4096`. Points are pairs, parts of a mixture are objects. */
import { isJsonObject, type Json } from '../core/json.ts';

export type ReadPairs =
  { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly sentence: string };

const isMixture = (path: string): boolean => path.endsWith('.parts');

export function showPairs(value: Json | undefined): string {
  if (!Array.isArray(value)) return '';
  return value
    .map((pair: Json) => {
      if (Array.isArray(pair)) return pair.map(String).join(':');
      return isJsonObject(pair) ? `${String(pair['weight'])}:${String(pair['tokens'])}` : '';
    })
    .join(', ');
}

export function readPairs(path: string, text: string): ReadPairs {
  const pairs: Json[] = [];
  for (const part of text.split(',').map((piece) => piece.trim())) {
    if (part === '') continue;
    const [first = '', second = '', ...rest] = part.split(':').map((number) => number.trim());
    const [a, b] = [Number(first), Number(second)];
    if (first === '' || second === '' || rest.length > 0 || !Number.isFinite(a) || !Number.isFinite(b)) {
      return { ok: false, sentence: `“${part.slice(0, 40)}” is no pair of numbers such as 0.5:512.` };
    }
    pairs.push(isMixture(path) ? { weight: a, tokens: b } : [a, b]);
  }
  return pairs.length > 0
    ? { ok: true, value: pairs }
    : { ok: false, sentence: 'Type at least one pair such as 0.5:512.' };
}
