/**
 * A score says which KV goes first: the largest. It is a block policy by name, or an expression that a visitor wrote.
 *
 * Boundary: numbers in, a number out. Reading an expression is in parse.ts, the policies as scores in builtin.ts, the
 * comparison of both on the same accesses in compare.ts.
 */

/** What is known about one piece of KV: blocks of a cache, or a range of a live sequence. */
export interface ScoreFacts {
  /** Since its last use: milliseconds of a live cache, accesses in a replay. */
  readonly age: number;
  /** Uses since it came. */
  readonly frequency: number;
  /** Of its first token in the sequence; place of a block in its chain in a replay. */
  readonly position: number;
  /** What it takes to compute it again, over that of as many first tokens of a sequence: 1 or more. */
  readonly cost: number;
  /** That it holds. */
  readonly tokens: number;
  /** Since it came, in the unit of `age`. Policies by name use it; an expression does not know it. */
  readonly stay: number;
}

export interface Score {
  /** The name of a policy, or `expression`. */
  readonly name: string;
  /** As it was written. */
  readonly text: string;
  /** The largest goes first. Never NaN: what has no value goes last. */
  readonly of: (facts: ScoreFacts) => number;
}

export const SCORE_VARIABLES = ['age', 'frequency', 'position', 'cost', 'tokens'] as const;
export type ScoreVariable = (typeof SCORE_VARIABLES)[number];
