/** What a radix tree is asked and answers; the tree itself is in radix-tree.ts. */
import type { RadixNode } from './radix-node.ts';
import type { RadixPolicyName } from './radix-policies.ts';

export interface RadixTreeOptions {
  /** Tokens of a page; 1 where left out. */
  readonly pageSize?: number;
  readonly policy?: RadixPolicyName;
}

export interface RadixOptions {
  /** Prompts of different names share nothing: an adapter, a tenant's salt. */
  readonly namespace?: string;
  /** For the policy `priority`: the lower goes first. 0 where left out. */
  readonly priority?: number;
}

export interface RadixMatch {
  readonly numTokens: number;
  /** KV slots of these tokens. */
  readonly slots: readonly number[];
  /** Where the match ends, for `lock`; null where nothing matched. */
  readonly node: RadixNode | null;
}

export interface RadixEvicted {
  readonly numTokens: number;
  readonly slots: readonly number[];
  /** The runs that went, in order. */
  readonly runs: readonly (readonly number[])[];
}

export interface RadixTreeEvents {
  /** Tokens were added behind `prefixTokens` known ones. */
  alloc: { readonly numTokens: number; readonly prefixTokens: number };
  hit: { readonly numTokens: number };
  /** Whole pages of a lookup that were not found. */
  miss: { readonly numTokens: number };
  evict: { readonly tokens: readonly number[]; readonly slots: readonly number[] };
}
