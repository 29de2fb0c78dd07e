/**
 * Which replica a request goes to, as published routers decide it: pure functions over what a router knows.
 * The routers that keep state are in sim/router.ts.
 */

/**
 * NVIDIA Dynamo's KV router: blocks of prompt still to compute, weighted, and blocks that decode; the lowest wins.
 * Source: ai-dynamo/dynamo, KV-aware routing (defaults: weight 1, temperature 0).
 * @param decodeBlocks blocks of the sequences that are active there
 */
export function dynamoLogit(
  promptTokens: number,
  blockSize: number,
  overlapBlocks: number,
  decodeBlocks: number,
  overlapWeight = 1,
): number {
  return (overlapWeight * (promptTokens - overlapBlocks * blockSize)) / blockSize + decodeBlocks;
}

export interface CacheAwareSettings {
  /** Out of balance: the loads differ by more than this … */
  readonly balanceAbsolute: number;
  /** … and by more than this factor. */
  readonly balanceRelative: number;
  /** Share of the prompt that must match for the cache to decide. */
  readonly cacheThreshold: number;
}

/** SGLang router's defaults. */
export const CACHE_AWARE_DEFAULTS: CacheAwareSettings = {
  balanceAbsolute: 32,
  balanceRelative: 1.0001,
  cacheThreshold: 0.5,
};

export interface CacheAwareChoice {
  readonly worker: number;
  readonly reason: 'imbalanced' | 'cache' | 'low-match';
}

function indexOfBest(values: readonly number[], better: (a: number, b: number) => boolean): number {
  let best = 0;
  values.forEach((value, i) => {
    if (better(value, values[best] ?? 0)) best = i;
  });
  return best;
}

/**
 * SGLang's cache-aware policy: out of balance, the least loaded; otherwise the best match, where it is good enough;
 * otherwise the smallest tree (equal trees: the least loaded). Ties go to the first worker.
 * Source: sgl-project/sglang, router policy cache_aware.
 * @param matchRates share of the prompt that each worker's tree holds
 * @param treeSizes tokens in each worker's tree; all equal when left out
 */
export function cacheAwareRoute(
  loads: readonly number[],
  matchRates: readonly number[],
  settings: CacheAwareSettings = CACHE_AWARE_DEFAULTS,
  treeSizes: readonly number[] = loads.map(() => 0),
): CacheAwareChoice {
  const most = Math.max(...loads);
  const least = Math.min(...loads);
  const leastLoaded = indexOfBest(loads, (a, b) => a < b);
  if (most - least > settings.balanceAbsolute && most > settings.balanceRelative * least) {
    return { worker: leastLoaded, reason: 'imbalanced' };
  }
  const bestMatch = indexOfBest(matchRates, (a, b) => a > b);
  if ((matchRates[bestMatch] ?? 0) > settings.cacheThreshold) return { worker: bestMatch, reason: 'cache' };
  const smallest = Math.min(...treeSizes);
  const candidates = loads.map((load, i) => (treeSizes[i] === smallest ? load : Infinity));
  return { worker: indexOfBest(candidates, (a, b) => a < b), reason: 'low-match' };
}
