/** The policies by name. Adding one is a file, a name and a line here. Belady's stands apart: it needs the trace. */
import { ageDecay } from './age-decay.ts';
import { arc } from './arc.ts';
import { clock } from './clock.ts';
import { fifo } from './fifo.ts';
import { gdsf } from './gdsf.ts';
import { lfu } from './lfu.ts';
import { lru } from './lru.ts';
import type { BlockPolicyFactory } from './policy.ts';
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

export { belady } from './belady.ts';
export { replayCache, type CacheAccess, type CacheReplay } from './simulate.ts';
export type { BlockFacts, BlockKey, BlockPolicy, BlockPolicyFactory } from './policy.ts';
