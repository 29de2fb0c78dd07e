/** The policies by name. Adding one is a file, a name and a line here. Belady's stands apart: it needs the trace. */
import { ageDecay } from './age-decay.ts';
import { arc } from './arc.ts';
import { belady } from './belady.ts';
import { clock } from './clock.ts';
import { fifo } from './fifo.ts';
import { gdsf } from './gdsf.ts';
import { lfu } from './lfu.ts';
import { lru } from './lru.ts';
import type { BlockKey, BlockPolicy, BlockPolicyFactory } from './policy.ts';
import { s3fifo } from './s3fifo.ts';
import { sieve } from './sieve.ts';
import { suffixFirst } from './suffix-first.ts';

/** Accesses after which a use counts half, as a multiple of the capacity; time is counted in accesses. */
const DECAY_CAPACITIES = 4;

export const BLOCK_POLICY_NAMES = [
  'lru',
  'fifo',
  'clock',
  'lfu',
  'sieve',
  's3fifo',
  'gdsf',
  'arc',
  'agedecay',
  'suffix',
] as const;
export type BlockPolicyName = (typeof BLOCK_POLICY_NAMES)[number];

export const BLOCK_POLICIES: Readonly<Record<BlockPolicyName, BlockPolicyFactory>> = {
  lru,
  fifo,
  clock,
  lfu,
  sieve,
  s3fifo,
  gdsf,
  arc,
  agedecay: (capacity) => ageDecay(DECAY_CAPACITIES * capacity),
  suffix: suffixFirst,
};

/** The policies that a recorded sequence of accesses can be replayed with: all, and the optimum that knows the future. */
export const REPLAY_POLICY_NAMES = [...BLOCK_POLICY_NAMES, 'belady'] as const;
export type ReplayPolicyName = (typeof REPLAY_POLICY_NAMES)[number];

/** @param keys the accesses to come, which only the optimum reads; `now` must then be their place */
export function replayPolicy(
  name: ReplayPolicyName,
  capacity: number,
  keys: ArrayLike<BlockKey>,
): BlockPolicy {
  return name === 'belady' ? belady(keys) : BLOCK_POLICIES[name](capacity);
}

export { belady };
export { recomputeCost, type PrefillFlops } from './recompute-cost.ts';
export {
  replayCache,
  replayColumns,
  type AccessColumns,
  type CacheAccess,
  type CacheReplay,
} from './simulate.ts';
export type { BlockFacts, BlockKey, BlockPolicy, BlockPolicyFactory } from './policy.ts';
