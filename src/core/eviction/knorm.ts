/**
 * Key norm (arXiv:2406.11430, NVIDIA/kvpress knorm_press.py): keys of small norm attract attention, so the tokens
 * whose keys are shortest are kept. Needs no attention at all.
 */
import type { EvictionPolicy } from './policy.ts';
import { keepBest } from './select.ts';

export function norm(vector: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += (vector[i] ?? 0) * (vector[i] ?? 0);
  return Math.sqrt(sum);
}

/** −‖key‖ of each token; higher is kept. */
export function knormScores(keys: readonly ArrayLike<number>[]): number[] {
  return keys.map((key) => -norm(key));
}

const NOTHING = { first: 0, last: 0 };

export const knorm: EvictionPolicy = {
  name: 'knorm',
  title: 'Key norm',
  about: 'Keeps the tokens whose keys are shortest.',
  source: 'arXiv:2406.11430',
  signal: 'key-norm',
  scope: 'head',
  unit: 'token',
  frees: true,
  when: 'prefill',
  protectedTokens: () => NOTHING,
  keep: ({ length, budget, scores }) => keepBest(scores, length, budget, NOTHING),
};
