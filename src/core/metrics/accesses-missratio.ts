/**
 * Miss-ratio curves: the share of accesses that a cache of a size misses, for every eviction policy, beside the optimum.
 *
 * LRU is exact from reuse distances; the others are replayed at each size. Where that would be too many replayed
 * accesses, they are replayed on a sample of the blocks, all accesses of a block or none, in a cache as much smaller
 * (SHARDS: Waldspurger et al., FAST 2015), and the curve says so.
 */
import {
  replayColumns,
  replayPolicy,
  REPLAY_POLICY_NAMES,
  type ReplayPolicyName,
} from '../eviction/blocks/index.ts';
import type { AccessLog } from './accesses-log.ts';
import { lruHitsBySize, reuseDistances } from './accesses-reuse.ts';

export interface MissRatioCurve {
  readonly policy: ReplayPolicyName;
  /** Misses over accesses, by size. */
  readonly missRatio: readonly number[];
}

export interface MissRatioCurves {
  /** Blocks that the cache holds. */
  readonly sizes: readonly number[];
  readonly curves: readonly MissRatioCurve[];
  /** With room for everything: only first uses miss. */
  readonly floor: number;
  /** Whether the log says where in its prompt a block lies; without, suffix first cannot differ from LRU. */
  readonly knowsDepth: boolean;
  /** Share of the blocks that all curves but LRU's rest on; 1: exact. */
  readonly sampledShare: number;
}

export interface MissRatioOptions {
  readonly policies?: readonly ReplayPolicyName[];
  /** Sizes between 1 and the number of blocks, evenly spaced by ratio. */
  readonly numSizes?: number;
  /** Replayed accesses over all policies and sizes, before blocks are sampled. */
  readonly maxReplayed?: number;
  /** Told before each curve. */
  readonly onCurve?: (policy: ReplayPolicyName, done: number, of: number) => void;
}

export interface MissRatioProgress {
  readonly policy: ReplayPolicyName;
  /** Of all replays, 0…1. */
  readonly fraction: number;
}

const NUM_SIZES = 10;
const MAX_REPLAYED = 30_000_000;

/** Sizes from 1 to `most`, evenly spaced by ratio, without repetitions. */
export function geometricSizes(most: number, count: number): number[] {
  const sizes: number[] = [];
  // most^(i/(count−1)) by repeated roots would need pow; a ratio that is multiplied up is as good and exact enough.
  const ratio = nthRoot(most, Math.max(1, count - 1));
  for (let i = 0, size = 1; i < count; i++, size *= ratio) {
    const whole = i === count - 1 ? most : Math.min(most, Math.max(1, Math.round(size)));
    if (whole > (sizes.at(-1) ?? 0)) sizes.push(whole);
  }
  return sizes;
}

/** By bisection: the same digits everywhere. */
function nthRoot(value: number, n: number): number {
  let [low, high] = [1, Math.max(1, value)];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    let power = 1;
    for (let k = 0; k < n && power <= value; k++) power *= middle;
    if (power <= value) low = middle;
    else high = middle;
  }
  return low;
}

/** The curves as a task that pauses before each replay, so that whoever drives it can show progress and stop. */
export function* missRatioTask(
  log: AccessLog,
  options: MissRatioOptions = {},
): Generator<MissRatioProgress, MissRatioCurves, undefined> {
  const { policies = REPLAY_POLICY_NAMES, numSizes = NUM_SIZES, maxReplayed = MAX_REPLAYED } = options;
  const [accesses, numBlocks] = [log.block.length, log.names.length];
  const sizes = geometricSizes(numBlocks, numSizes);
  const replays = policies.filter((policy) => policy !== 'lru').length * sizes.length;
  const sample = sampled(log, Math.min(1, maxReplayed / Math.max(1, replays * accesses)));
  const lruHits = lruHitsBySize(reuseDistances(log.block), numBlocks);
  const curves: MissRatioCurve[] = [];
  for (const [done, policy] of policies.entries()) {
    options.onCurve?.(policy, done, policies.length);
    const missRatio: number[] = [];
    for (const [at, size] of sizes.entries()) {
      yield { policy, fraction: (done + at / sizes.length) / policies.length };
      const exact = policy === 'lru';
      missRatio.push(exact ? 1 - (lruHits[size] ?? 0) / accesses : replayedMissRatio(policy, size, sample));
    }
    curves.push({ policy, missRatio });
  }
  const knowsDepth = log.depth !== null;
  return { sizes, curves, floor: numBlocks / accesses, knowsDepth, sampledShare: sample.share };
}

export function missRatioCurves(log: AccessLog, options: MissRatioOptions = {}): MissRatioCurves {
  const task = missRatioTask(log, options);
  let turn = task.next();
  while (!turn.done) turn = task.next();
  return turn.value;
}

interface Sample {
  readonly keys: Int32Array;
  readonly depths: Int32Array | null;
  /** Of the blocks. */
  readonly share: number;
}

function replayedMissRatio(policy: ReplayPolicyName, size: number, { keys, depths, share }: Sample): number {
  const capacity = Math.max(1, Math.round(size * share));
  const columns = depths ? { keys, depths } : { keys };
  return replayColumns(replayPolicy(policy, capacity, keys), capacity, columns).misses / keys.length;
}

/** All accesses of about `share` of the blocks, chosen by a hash of their number. */
function sampled({ block, depth, names }: AccessLog, share: number): Sample {
  if (share >= 1) return { keys: block, depths: depth, share: 1 };
  const isIn = (number: number): boolean => mixed(number) < share * 4294967296;
  const places = Int32Array.from({ length: block.length }, (_, at) => at).filter((at) =>
    isIn(block[at] ?? 0),
  );
  const chosen = names.filter((_, number) => isIn(number)).length;
  return {
    keys: places.map((at) => block[at] ?? 0),
    depths: depth && places.map((at) => depth[at] ?? 0),
    share: chosen / names.length,
  };
}

/** 32 well-mixed bits of a number (splitmix32). */
function mixed(value: number): number {
  let z = (Math.imul(value, 0x9e3779b9) + 0x9e3779b9) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}
