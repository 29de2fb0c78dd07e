/**
 * H2O (arXiv:2306.14048, FMInference/H2O h2o_hf): tokens that gathered the most attention so far ("heavy hitters"),
 * and the newest. The sum favours old tokens, which had more queries to gather from; the original does so too.
 */
import type { EvictionPolicy } from './policy.ts';
import { keepBest } from './select.ts';

/** Attention summed over queries. @param attention [queries][tokens] softmax rows of one head. */
export function h2oScores(attention: readonly ArrayLike<number>[]): number[] {
  const tokens = attention.reduce((most, row) => Math.max(most, row.length), 0);
  return Array.from({ length: tokens }, (_, token) =>
    attention.reduce((sum, row) => sum + (row[token] ?? 0), 0),
  );
}

/** The `heavy` highest scores of [0, length − recent), and the newest `recent`. */
export function h2oKeep(scores: ArrayLike<number>, heavy: number, recent: number): number[] {
  return keepBest(scores, scores.length, heavy + recent, { first: 0, last: recent });
}

/** Half and half, as in the paper's experiments with ratios. */
const recentOf = (budget: number): number => budget - Math.floor(budget / 2);

export const h2o: EvictionPolicy = {
  name: 'h2o',
  title: 'H2O',
  about: 'Keeps the tokens that gathered the most attention, and as many of the newest.',
  source: 'arXiv:2306.14048',
  signal: 'attention-sum',
  scope: 'head',
  unit: 'token',
  frees: true,
  when: 'decode',
  protectedTokens: (budget) => ({ first: 0, last: recentOf(budget) }),
  keep: ({ length, budget, scores }) =>
    keepBest(scores, length, budget, { first: 0, last: recentOf(budget) }),
};
