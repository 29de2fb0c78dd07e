/** Which leaf of a radix tree goes first, by name: the smallest rank. One line each. (SGLang mem_cache/evict_policy.py@008b79d) */

/** What a policy may look at. Times are the tree's own count of operations. */
export interface RadixFacts {
  /** Last time that a lookup or an insert went through the node. */
  readonly lastUse: number;
  /** When the node came into being; a split keeps it. */
  readonly created: number;
  /** Inserts that went through it; a lookup is none. */
  readonly uses: number;
  /** The highest that was inserted with. */
  readonly priority: number;
}

export const RADIX_POLICY_NAMES = ['lru', 'lfu', 'fifo', 'mru', 'filo', 'priority', 'slru'] as const;
export type RadixPolicyName = (typeof RADIX_POLICY_NAMES)[number];

/** Uses from which `slru` protects a node. */
const PROTECTED_USES = 2;

/** Compared place by place. */
export const RADIX_POLICIES: Readonly<
  Record<RadixPolicyName, (node: RadixFacts) => readonly [number, number]>
> = {
  lru: ({ lastUse }) => [lastUse, 0],
  lfu: ({ uses, lastUse }) => [uses, lastUse],
  fifo: ({ created }) => [created, 0],
  mru: ({ lastUse }) => [-lastUse, 0],
  filo: ({ created }) => [-created, 0],
  priority: ({ priority, lastUse }) => [priority, lastUse],
  slru: ({ uses, lastUse }) => [uses >= PROTECTED_USES ? 1 : 0, lastUse],
};
