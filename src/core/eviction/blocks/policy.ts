/**
 * Which cached block to give up: the contract that every policy of this folder keeps.
 *
 * A policy orders resident blocks; it holds no data and no capacity of its own beyond what its algorithm needs. The
 * cache asks `victim` until there is room, then calls `admit`. Blocks in use are not evictable: `canEvict` says so, and
 * a policy passes over them without forgetting them. Ties break towards the block that entered first.
 *
 * Left out: what a block holds, and the ancestors that make it useful (see suffix-first.ts for the one that knows).
 */

export type BlockKey = number | string;

export interface BlockFacts {
  /** Units of capacity that the block takes: 1 for equal blocks, bytes for sized objects. */
  readonly size: number;
  /** What a miss costs, in any one unit: recompute FLOPs of the block, or 1. */
  readonly cost: number;
  /** Time of the access in the caller's unit; grows. */
  readonly now: number;
  /** Place in its chain of blocks, 0 for the first; policies that know no chains ignore it. */
  readonly depth: number;
}

export interface BlockPolicy {
  readonly name: string;
  /** A resident block was used again. */
  hit(key: BlockKey, facts: BlockFacts): void;
  /**
   * The block is the newest again, without another use being counted: its user is done with it. For policies that go by
   * recency; the others leave it out.
   */
  renew?(key: BlockKey, facts: BlockFacts): void;
  /** A block enters; room has been made. */
  admit(key: BlockKey, facts: BlockFacts): void;
  /**
   * Takes one block out to make room for `incoming`. Null: every resident block is in use.
   * Ghost entries (ARC, S3-FIFO) are written here.
   */
  victim(incoming: BlockKey, canEvict: (key: BlockKey) => boolean, now: number): BlockKey | null;
  /** A block went for another reason; it leaves no ghost. */
  remove(key: BlockKey): void;
}

export type BlockPolicyFactory = (capacity: number) => BlockPolicy;
