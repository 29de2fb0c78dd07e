/**
 * Reuse distances: for each access, how many other blocks were used since the block's last use. An LRU cache of C blocks
 * has exactly the accesses with a distance below C (Mattson et al., 1970), so one pass gives its hit ratio at every size.
 *
 * Exact, in O(n log n): a Fenwick tree over time holds a one at each block's last use, and a distance is a sum.
 */

/** First uses have no distance. */
export const COLD = -1;

/** Distance of each access, `COLD` for a block's first. */
export function reuseDistances(blocks: ArrayLike<number>): Int32Array {
  const n = blocks.length;
  const tree = new Int32Array(n + 1);
  const add = (at: number, value: number): void => {
    for (let i = at + 1; i <= n; i += i & -i) tree[i] = (tree[i] ?? 0) + value;
  };
  /** Ones at places below `end`. */
  const sumBelow = (end: number): number => {
    let sum = 0;
    for (let i = end; i > 0; i -= i & -i) sum += tree[i] ?? 0;
    return sum;
  };
  const distances = new Int32Array(n);
  const lastUse = new Map<number, number>();
  for (let at = 0; at < n; at++) {
    const block = blocks[at] ?? 0;
    const last = lastUse.get(block);
    if (last === undefined) distances[at] = COLD;
    else {
      distances[at] = lastUse.size - sumBelow(last + 1);
      add(last, -1);
    }
    add(at, 1);
    lastUse.set(block, at);
  }
  return distances;
}

export interface ReuseBin {
  /** Distances from `from` to `to`, both included. */
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

export interface ReuseHistogram {
  /** Bins of powers of two: 0, 1, 2–3, 4–7 … */
  readonly bins: readonly ReuseBin[];
  /** First uses. */
  readonly cold: number;
  /** Of the accesses that have one; null without any. */
  readonly mean: number | null;
  readonly median: number | null;
  readonly p90: number | null;
}

export function reuseHistogram(distances: Int32Array): ReuseHistogram {
  const reused = distances.filter((distance) => distance !== COLD).sort();
  const counts: number[] = [];
  let sum = 0;
  for (const distance of reused) {
    const bin = binOf(distance);
    counts[bin] = (counts[bin] ?? 0) + 1;
    sum += distance;
  }
  const bins = Array.from(counts, (count, bin) => ({ ...edgesOf(bin), count: count ?? 0 }));
  const rank = (share: number): number | null =>
    reused[Math.max(0, Math.ceil(share * reused.length) - 1)] ?? null;
  const mean = reused.length === 0 ? null : sum / reused.length;
  return { bins, cold: distances.length - reused.length, mean, median: rank(0.5), p90: rank(0.9) };
}

/** 0 → 0, 1 → 1, 2–3 → 2, 4–7 → 3 … */
function binOf(distance: number): number {
  return 32 - Math.clz32(distance);
}

function edgesOf(bin: number): { from: number; to: number } {
  return bin === 0 ? { from: 0, to: 0 } : { from: 2 ** (bin - 1), to: 2 ** bin - 1 };
}

/** Hits of an LRU cache by its size: entry C counts the distances below C. */
export function lruHitsBySize(distances: Int32Array, numBlocks: number): Float64Array {
  const hits = new Float64Array(numBlocks + 1);
  for (const distance of distances) {
    if (distance !== COLD) hits[distance + 1] = (hits[distance + 1] ?? 0) + 1;
  }
  for (let size = 1; size <= numBlocks; size++) hits[size] = (hits[size] ?? 0) + (hits[size - 1] ?? 0);
  return hits;
}
