/**
 * Belady's optimum for blocks of equal size: the block whose next use lies furthest ahead goes. It needs the future, so
 * it is no policy for a running cache but the ceiling that the others are held against; every miss is admitted.
 */
import { Heap } from './heap.ts';
import type { BlockFacts, BlockKey, BlockPolicy } from './policy.ts';

/** @param trace the accesses to come; `now` of `hit` and `admit` is the place of the access in it */
export function belady(trace: ArrayLike<BlockKey>): BlockPolicy {
  const nextUse = new Float64Array(trace.length);
  const seen = new Map<BlockKey, number>();
  for (let at = trace.length - 1; at >= 0; at--) {
    const key = trace[at] ?? 0;
    nextUse[at] = seen.get(key) ?? Infinity;
    seen.set(key, at);
  }
  const heap = new Heap();
  const use = (key: BlockKey, { now }: BlockFacts): void =>
    heap.set({ key, priority: -(nextUse[now] ?? Infinity), order: now });
  return {
    name: 'belady',
    hit: use,
    admit: use,
    victim: (_incoming, canEvict) => heap.takeWhere(canEvict)?.key ?? null,
    remove: (key) => void heap.delete(key),
  };
}
