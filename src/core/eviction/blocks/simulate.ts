/** Replays a trace of block accesses through one policy: hits and misses, exact and without a clock. */
import type { BlockKey, BlockPolicy } from './policy.ts';

export interface CacheAccess {
  readonly key: BlockKey;
  readonly size?: number;
  readonly cost?: number;
  readonly depth?: number;
}

export interface CacheReplay {
  readonly hits: number;
  readonly misses: number;
  /** One entry an access: 1 for a hit. */
  readonly hitBitmap: Uint8Array;
}

const ALWAYS = (): boolean => true;

/**
 * @param capacity in the unit of the sizes: blocks where sizes are left out
 * An object larger than the capacity is a miss that is not admitted.
 */
export function replayCache(
  policy: BlockPolicy,
  capacity: number,
  accesses: readonly CacheAccess[],
): CacheReplay {
  const resident = new Map<BlockKey, number>();
  const hitBitmap = new Uint8Array(accesses.length);
  let used = 0;
  let hits = 0;
  accesses.forEach(({ key, size = 1, cost = 1, depth = 0 }, now) => {
    const facts = { size, cost, depth, now };
    if (resident.has(key)) {
      policy.hit(key, facts);
      hitBitmap[now] = 1;
      hits++;
      return;
    }
    if (size > capacity) return;
    while (used + size > capacity) {
      const victim = policy.victim(key, ALWAYS, now);
      if (victim === null) return;
      used -= resident.get(victim) ?? 0;
      resident.delete(victim);
    }
    policy.admit(key, facts);
    resident.set(key, size);
    used += size;
  });
  return { hits, misses: accesses.length - hits, hitBitmap };
}
