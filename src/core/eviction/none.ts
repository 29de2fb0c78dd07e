/** No eviction: everything is kept. The reference of every comparison. */
import type { EvictionPolicy } from './policy.ts';
import { range } from './select.ts';

export const none: EvictionPolicy = {
  name: 'none',
  title: 'Full cache',
  about: 'Keeps every token.',
  source: 'the cache as it is',
  signal: 'none',
  scope: 'sequence',
  unit: 'token',
  frees: false,
  when: 'decode',
  protectedTokens: () => ({ first: 0, last: 0 }),
  keep: ({ length }) => range(0, length),
};
