/**
 * KeyDiff (arXiv:2504.15364, NVIDIA/kvpress keydiff_press.py@08a43bf): tokens whose keys point where most keys point are
 * redundant, so those with the most distinctive keys are kept. Needs no attention at all.
 */
import { norm } from './knorm.ts';
import type { EvictionPolicy } from './policy.ts';
import { keepBest } from './select.ts';

/** −cos(key, mean of the normalised keys) of each token; higher is kept. A key of zeros scores 0. */
export function keyDiffScores(keys: readonly ArrayLike<number>[]): number[] {
  const lengths = keys.map(norm);
  const anchor = new Float64Array(keys[0]?.length ?? 0);
  keys.forEach((key, token) => {
    const length = lengths[token] ?? 0;
    if (length > 0)
      for (let i = 0; i < anchor.length; i++) anchor[i] = (anchor[i] ?? 0) + (key[i] ?? 0) / length;
  });
  // Its length cancels, so the sum serves as well as the mean.
  const anchorLength = norm(anchor);
  return keys.map((key, token) => {
    const product = (lengths[token] ?? 0) * anchorLength;
    let dot = 0;
    for (let i = 0; i < anchor.length; i++) dot += (key[i] ?? 0) * (anchor[i] ?? 0);
    return product === 0 ? 0 : -dot / product;
  });
}

const NOTHING = { first: 0, last: 0 };

export const keydiff: EvictionPolicy = {
  name: 'keydiff',
  title: 'KeyDiff',
  about: 'Keeps the tokens whose keys differ most from the mean direction of all keys.',
  source: 'arXiv:2504.15364',
  signal: 'key-difference',
  scope: 'head',
  unit: 'token',
  frees: true,
  when: 'prefill',
  protectedTokens: () => NOTHING,
  keep: ({ length, budget, scores }) => keepBest(scores, length, budget, NOTHING),
};
