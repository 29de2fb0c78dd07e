/** Replays a trace of block accesses through one policy: hits and misses, exact and without a clock. */
import type { BlockKey, BlockPolicy } from './policy.ts';

export interface CacheAccess {
  readonly key: BlockKey;
  readonly size?: number;
  readonly cost?: number;
  readonly depth?: number;
}

/** The same as columns, so that millions of accesses are a few flat arrays. */
export interface AccessColumns {
  readonly keys: ArrayLike<BlockKey>;
  /** 1 each where left out: capacity is then in blocks. */
  readonly sizes?: ArrayLike<number>;
  readonly costs?: ArrayLike<number>;
  readonly depths?: ArrayLike<number>;
}

export interface CacheReplay {
  readonly hits: number;
  readonly misses: number;
  /** One entry an access: 1 for a hit. */
  readonly hitBitmap: Uint8Array;
}

const ALWAYS = (): boolean => true;

/** Sizes of the blocks that are in the cache. */
interface Resident {
  has(key: BlockKey): boolean;
  get(key: BlockKey): number | undefined;
  set(key: BlockKey, size: number): unknown;
  delete(key: BlockKey): unknown;
}

/** Numbers from 0 on need no map. */
function residentSizes(keys: ArrayLike<BlockKey>): Resident {
  if (!(keys instanceof Int32Array) || keys.some((key) => key < 0)) return new Map<BlockKey, number>();
  const sizes = new Float64Array(keys.reduce((most, key) => Math.max(most, key), 0) + 1);
  return {
    has: (key) => (sizes[Number(key)] ?? 0) > 0,
    get: (key) => sizes[Number(key)],
    set: (key, size) => (sizes[Number(key)] = size),
    delete: (key) => (sizes[Number(key)] = 0),
  };
}

/**
 * @param capacity in the unit of the sizes: blocks where sizes are left out
 * An object larger than the capacity is a miss that is not admitted.
 */
export function replayColumns(policy: BlockPolicy, capacity: number, columns: AccessColumns): CacheReplay {
  const { keys, sizes, costs, depths } = columns;
  const resident = residentSizes(keys);
  const hitBitmap = new Uint8Array(keys.length);
  let used = 0;
  let hits = 0;
  for (let now = 0; now < keys.length; now++) {
    const key = keys[now] ?? 0;
    const size = sizes?.[now] ?? 1;
    const facts = { size, cost: costs?.[now] ?? 1, depth: depths?.[now] ?? 0, now };
    if (resident.has(key)) {
      policy.hit(key, facts);
      hitBitmap[now] = 1;
      hits++;
      continue;
    }
    if (size > capacity) continue;
    while (used + size > capacity) {
      const victim = policy.victim(key, ALWAYS, now);
      if (victim === null) break;
      used -= resident.get(victim) ?? 0;
      resident.delete(victim);
    }
    policy.admit(key, facts);
    resident.set(key, size);
    used += size;
  }
  return { hits, misses: keys.length - hits, hitBitmap };
}

/** `replayColumns` for accesses as objects: small traces and tests. */
export function replayCache(
  policy: BlockPolicy,
  capacity: number,
  accesses: readonly CacheAccess[],
): CacheReplay {
  return replayColumns(policy, capacity, {
    keys: accesses.map(({ key }) => key),
    sizes: accesses.map(({ size }) => size ?? 1),
    costs: accesses.map(({ cost }) => cost ?? 1),
    depths: accesses.map(({ depth }) => depth ?? 0),
  });
}
