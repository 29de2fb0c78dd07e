/**
 * SnapKV (arXiv:2404.14469, FasterDecoding/SnapKV snapkv_utils.py): the last `window` queries of the prompt vote, with
 * their attention, for the tokens before them; votes are pooled over neighbours so that winners keep their context.
 * Constructor defaults are window 64, average pooling over 5; the LongBench configuration is window 32, maximum over 7.
 *
 * As kvpress, and unlike the original, votes are averaged over the query heads that share a kv head.
 */
import type { EvictionPolicy } from './policy.ts';
import { keepBest } from './select.ts';

export type PoolKind = 'avg' | 'max';

export const SNAPKV_WINDOW_TOKENS = 64;
export const SNAPKV_KERNEL = 5;

/**
 * Pooled over `kernel` neighbours, same length. The average pads with zeros and always divides by `kernel`, as
 * torch.avg_pool1d does; the maximum looks at real neighbours only.
 */
export function poolVotes(votes: ArrayLike<number>, kernel: number, kind: PoolKind): number[] {
  const reach = (kernel - 1) / 2;
  return Array.from({ length: votes.length }, (_, token) => {
    let sum = 0;
    let most = -Infinity;
    for (let i = Math.max(0, token - reach); i <= Math.min(votes.length - 1, token + reach); i++) {
      sum += votes[i] ?? 0;
      most = Math.max(most, votes[i] ?? -Infinity);
    }
    return kind === 'avg' ? sum / kernel : most;
  });
}

/** @param pooled [prefix] pooled votes for the tokens before the window; the whole window is kept behind them. */
export function snapKvKeep(pooled: ArrayLike<number>, window: number, maxCapacity: number): number[] {
  return keepBest(pooled, pooled.length + window, maxCapacity, { first: 0, last: window });
}

/** The window must leave room for what it votes for. */
export function snapKvWindow(budget: number): number {
  return Math.min(SNAPKV_WINDOW_TOKENS, Math.floor(budget / 2));
}

export const snapkv: EvictionPolicy = {
  name: 'snapkv',
  title: 'SnapKV',
  about:
    'Keeps the tokens for which the last queries of the prompt vote, with their neighbours, and those last tokens.',
  source: 'arXiv:2404.14469',
  signal: 'window-votes',
  scope: 'head',
  unit: 'token',
  frees: true,
  when: 'prefill',
  protectedTokens: (budget) => ({ first: 0, last: snapKvWindow(budget) }),
  keep: ({ length, budget, scores }) =>
    keepBest(scores, length, budget, { first: 0, last: snapKvWindow(budget) }),
};
