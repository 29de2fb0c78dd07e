/** One tier's books: what is taken of its budget, what eviction could give back, and the order in which it would. */
import { BLOCK_POLICIES, type BlockPolicy, type BlockPolicyName } from '../eviction/blocks/index.ts';
import type { KVTier, KVTierStats } from './kv-pool-types.ts';

export class TierBooks {
  readonly tier: KVTier;
  readonly capacity: number;
  readonly policy: BlockPolicy | null;
  #used = 0;
  #reclaimable = 0;
  #peak = 0;

  constructor(tier: KVTier, capacity: number, policy: BlockPolicyName | null) {
    this.tier = tier;
    this.capacity = capacity;
    this.policy = policy === null ? null : BLOCK_POLICIES[policy](capacity);
  }

  get used(): number {
    return this.#used;
  }

  get free(): number {
    return this.capacity - this.#used;
  }

  get reclaimable(): number {
    return this.#reclaimable;
  }

  /** @throws Error when the budget would be exceeded, which the pool has to rule out before */
  take(amount: number): void {
    if (amount > this.free)
      throw new Error(`${amount} were taken of ${this.tier}, where ${this.free} are free.`);
    this.#used += amount;
    this.#peak = Math.max(this.#peak, this.#used);
  }

  give(amount: number): void {
    this.#used -= amount;
  }

  /** Amount that only idle handles refer to: more of it, or less. */
  reclaim(change: number): void {
    this.#reclaimable += change;
  }

  stats(): KVTierStats {
    const { tier, capacity, used, free, reclaimable } = this;
    return { tier, capacity, used, free, reclaimable, peak: this.#peak };
  }
}
