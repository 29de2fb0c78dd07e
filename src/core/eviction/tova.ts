/**
 * TOVA (arXiv:2401.06104, schwartz-lab-NLP/TOVA): the tokens with the most attention from the newest query, averaged
 * over all heads. The newest token itself may go; kvpress protects it, the original does not, and neither does this.
 */
import type { EvictionPolicy } from './policy.ts';
import { keepBest } from './select.ts';

const NOTHING = { first: 0, last: 0 };

/** @param lastQueryAttention [tokens] mean over heads. */
export function tovaKeep(lastQueryAttention: ArrayLike<number>, cacheSize: number): number[] {
  return keepBest(lastQueryAttention, lastQueryAttention.length, cacheSize, NOTHING);
}

export const tova: EvictionPolicy = {
  name: 'tova',
  title: 'TOVA',
  about: 'Keeps the tokens to which the newest query attends most.',
  source: 'arXiv:2401.06104',
  signal: 'last-attention',
  scope: 'sequence',
  unit: 'token',
  frees: true,
  when: 'decode',
  protectedTokens: () => NOTHING,
  keep: ({ length, budget, scores }) => keepBest(scores, length, budget, NOTHING),
};
