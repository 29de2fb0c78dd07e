/**
 * What an eviction policy is: a pure choice of the cached tokens that a sequence (or one kv head of it) keeps.
 *
 * A policy is also the twin of its GPU kernel: `scores` is what the kernel of its `signal` leaves behind, and `keep`
 * picks the same indices as the top-k kernel, ties to the lower index. What happens to the dropped tokens (compaction,
 * or an edit of the block table) is in moves.ts and table-edit.ts.
 */
import type { EvictionPolicyName } from '../scenario/schema.ts';

/** Which number per token (or per page) a policy ranks by, and so which kernel has to run. */
export type EvictionSignal =
  | 'none'
  /** Attention probabilities summed over all queries so far. */
  | 'attention-sum'
  /** Attention probabilities of the newest query. */
  | 'last-attention'
  /** Attention probabilities summed over an observation window, pooled over neighbours. */
  | 'window-votes'
  /** −‖key‖ */
  | 'key-norm'
  /** −cos(key, mean direction of all keys) */
  | 'key-difference'
  /** Share of the attention that queries to come are expected to pay, by the length of the value. */
  | 'expected-attention'
  /** ‖value‖ / ‖key‖ */
  | 'value-key-ratio'
  /** Upper bound of query · key over a page. */
  | 'page-bound';

export interface KeepInput {
  /** Tokens in the cache. */
  readonly length: number;
  /** Most tokens to keep. */
  readonly budget: number;
  /** [length], or [pages] for the signal `page-bound`; higher is kept. Unused by the signal `none`. */
  readonly scores: ArrayLike<number>;
  /** Tokens of one block, for policies that drop or read whole blocks. */
  readonly blockSize: number;
}

/** All policies: those that the laboratory's kernels can rank for (a scenario's), and those that only the twin can. */
export type SequencePolicyName = EvictionPolicyName | 'pyramidkv' | 'keydiff' | 'expected-attention';

export interface EvictionPolicy {
  readonly name: SequencePolicyName;
  readonly title: string;
  /** What it keeps, in one sentence. */
  readonly about: string;
  readonly source: string;
  readonly signal: EvictionSignal;
  /** Whether one choice serves the whole sequence, or each kv head makes its own. */
  readonly scope: 'sequence' | 'head';
  /** Whether it drops single tokens (compaction) or whole blocks (an edit of the block table). */
  readonly unit: 'token' | 'block';
  /** False where everything stays in memory and only less of it is read. */
  readonly frees: boolean;
  /** When the choice is made: once behind the prompt, or whenever the cache exceeds its budget. */
  readonly when: 'prefill' | 'decode';
  /** First and last tokens that are kept whatever their score; what the top-k kernel is told. */
  protectedTokens(budget: number, blockSize: number): ProtectedTokens;
  /** Tokens that each layer keeps, where they differ; `budget` is their mean. Left out: the budget in every layer. */
  layerBudgets?(input: {
    readonly budget: number;
    readonly layers: number;
    readonly length: number;
  }): number[];
  /** Indices of the kept tokens, ascending. */
  keep(input: KeepInput): number[];
}

export interface ProtectedTokens {
  readonly first: number;
  readonly last: number;
}
