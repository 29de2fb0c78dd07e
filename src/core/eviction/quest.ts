/**
 * Quest (arXiv:2406.10774, mit-han-lab/Quest): everything stays in memory; each step reads only the pages that could
 * matter to the query. A page is bounded by the minimum and maximum of its keys in each channel:
 * Σ_i max(q_i·min_i, q_i·max_i) ≥ q·k for every key k of the page.
 *
 * Where query heads share a kv head, a page's bound is the largest over those heads, which keeps it a bound for each.
 * The newest page is always read, so the selected table ends with the only page that may be partial.
 */
import type { EvictionPolicy } from './policy.ts';
import { keepBest, range } from './select.ts';

export interface PageBounds {
  readonly min: readonly number[];
  readonly max: readonly number[];
}

/** Smallest and largest key in each channel. @param keys [tokens of the page][channels] */
export function questBounds(keys: readonly ArrayLike<number>[]): PageBounds {
  const channels = range(0, keys[0]?.length ?? 0);
  const column = (channel: number) => keys.map((key) => key[channel] ?? 0);
  return {
    min: channels.map((channel) => Math.min(...column(channel))),
    max: channels.map((channel) => Math.max(...column(channel))),
  };
}

/** Upper bound of query · key over the page. */
export function questPageScore(query: ArrayLike<number>, { min, max }: PageBounds): number {
  let bound = 0;
  for (let i = 0; i < query.length; i++) {
    const q = query[i] ?? 0;
    bound += Math.max(q * (min[i] ?? 0), q * (max[i] ?? 0));
  }
  return bound;
}

/** Pages read under a token budget; Quest never reads fewer than three. */
export function questPages(tokenBudget: number, pageTokens: number): number {
  return Math.max(3, Math.floor(tokenBudget / pageTokens));
}

/** Bytes read relative to the full cache: one bound pair a page, and the selected pages. */
export function questLoadFraction(pageTokens: number, topkPages: number, sequenceTokens: number): number {
  return 1 / pageTokens + (topkPages * pageTokens) / sequenceTokens;
}

/** Indices of the pages to read, ascending, the newest among them. @param scores [pages] */
export function selectPages(scores: ArrayLike<number>, pages: number, count: number): number[] {
  return keepBest(scores, pages, count, { first: 0, last: 1 });
}

export const quest: EvictionPolicy = {
  name: 'quest',
  title: 'Quest',
  about: 'Keeps every token in memory and reads the pages that could matter to the query.',
  source: 'arXiv:2406.10774',
  signal: 'page-bound',
  scope: 'head',
  unit: 'block',
  frees: false,
  when: 'decode',
  protectedTokens: (_, blockSize) => ({ first: 0, last: blockSize }),
  keep: ({ length, budget, scores, blockSize }) =>
    selectPages(scores, Math.ceil(length / blockSize), questPages(budget, blockSize)).flatMap((page) =>
      range(page * blockSize, Math.min(length, (page + 1) * blockSize)),
    ),
};
