/**
 * Belady's optimum for blocks of equal size: the block whose next use lies furthest ahead goes. It needs the future, so
 * it is no policy for a running cache but the ceiling that the others are held against; every miss is admitted.
 */
import { Heap } from './heap.ts';
import type { BlockKey, BlockPolicy } from './policy.ts';

/** @param trace the accesses to come, in order; `hit` and `admit` must follow it one by one */
export function belady(trace: readonly BlockKey[]): BlockPolicy {
  const nextUse = new Float64Array(trace.length);
  const seen = new Map<BlockKey, number>();
  for (let at = trace.length - 1; at >= 0; at--) {
    const key = trace[at] ?? 0;
    nextUse[at] = seen.get(key) ?? Infinity;
    seen.set(key, at);
  }
  const heap = new Heap();
  let at = 0;
  const use = (key: BlockKey): void => {
    heap.set({ key, priority: -(nextUse[at] ?? Infinity), order: at });
    at++;
  };
  return {
    name: 'belady',
    hit: use,
    admit: use,
    victim: (_incoming, canEvict) => heap.takeWhere(canEvict)?.key ?? null,
    remove: (key) => void heap.delete(key),
  };
}
