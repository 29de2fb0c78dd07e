/** The twin of attention scores for eviction, one sequence at a time, in double precision. */

export interface AttentionScoreProblem {
  /** [queryHeads][tokens] softmax rows of the newest query. */
  readonly probabilities: readonly ArrayLike<number>[];
  /** [scoreHeads][tokens] scores so far. */
  readonly before: readonly ArrayLike<number>[];
  readonly length: number;
  readonly mode: 'sum' | 'newest';
  readonly freshTokens?: number;
}

/** [scoreHeads][length] */
export function attentionScoresTwin(problem: AttentionScoreProblem): number[][] {
  const { probabilities, before, length, mode, freshTokens = 1 } = problem;
  const heads = probabilities.length / before.length;
  return before.map((row, head) => {
    const own = probabilities.slice(head * heads, (head + 1) * heads);
    return Array.from({ length }, (_, token) => {
      const sum = own.reduce((total, p) => total + (p[token] ?? 0), 0);
      if (mode === 'newest') return sum / heads;
      return (token + freshTokens < length ? (row[token] ?? 0) : 0) + sum;
    });
  });
}
