/**
 * Frequency that halves with time: score = Σ over uses of 2^−(age / half-life); the lowest goes. A block that was hot
 * once makes room for one that is warm now.
 *
 * Scores are kept as of one common instant, so that the order never changes between uses and a heap can hold it:
 * log2(score) at time 0 = log2(Σ 2^(use time / half-life)).
 */
import { log2, pow } from '../../math.ts';
import { Heap } from './heap.ts';
import type { BlockKey, BlockPolicy } from './policy.ts';

/** @param halfLife in the unit of the caller's time */
export function ageDecay(halfLife: number): BlockPolicy {
  const heap = new Heap();
  let order = 0;
  const use = (key: BlockKey, now: number): void => {
    const t = now / halfLife;
    const before = heap.priorityOf(key);
    // log2(2^before + 2^t), without leaving the range of a double
    const priority = before === undefined ? t : Math.max(before, t) + log2(1 + pow(2, -Math.abs(before - t)));
    heap.set({ key, priority, order: order++ });
  };
  return {
    name: 'agedecay',
    hit: (key, { now }) => use(key, now),
    admit: (key, { now }) => use(key, now),
    victim: (_incoming, canEvict) => heap.takeWhere(canEvict)?.key ?? null,
    remove: (key) => void heap.delete(key),
  };
}
