/** The twin of an observation window's votes: one sequence, one kv head, in double precision. */

export interface WindowVotesProblem {
  /** [voters][group][headDim], the last queries of the sequence in order. */
  readonly queries: readonly (readonly ArrayLike<number>[])[];
  /** [length][headDim] */
  readonly keys: readonly ArrayLike<number>[];
  readonly weight: 'group-mean' | 'group-sum';
}

/** [length] votes. */
export function windowVotesTwin({ queries, keys, weight }: WindowVotesProblem): Float64Array {
  const votes = new Float64Array(keys.length);
  queries.forEach((heads, i) => {
    const position = keys.length - queries.length + i;
    for (const query of heads) {
      const row = softmax(keys.slice(0, position + 1).map((key) => dot(query, key) / Math.sqrt(key.length)));
      row.forEach((p, token) => {
        votes[token] = (votes[token] ?? 0) + (weight === 'group-mean' ? p / heads.length : p);
      });
    }
  });
  return votes;
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

function softmax(scores: readonly number[]): number[] {
  const largest = scores.reduce((most, score) => Math.max(most, score), -Infinity);
  const weights = scores.map((score) => Math.exp(score - largest));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}
