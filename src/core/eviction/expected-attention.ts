/**
 * Expected attention (arXiv:2510.00636, NVIDIA/kvpress expected_attention_press.py@08a43bf): what future queries would
 * attend to, if they are drawn from a normal distribution with the mean and covariance of the prompt's. Then
 * E[exp(qᵀk/√d)] = exp(μᵀk/√d + kᵀΣk/(2d)), and each token's share of it is weighted by the length of its value.
 *
 * μ and Σ are those of queries before the rotary embedding; `rotateStatistics` turns them to the mean of the positions
 * to come. The first tokens attract attention whatever they say; they stay out of the statistics and are always kept.
 */
import { cos, exp, pow, sin } from '../math.ts';
import { norm } from './knorm.ts';
import type { EvictionPolicy } from './policy.ts';
import { keepBest } from './select.ts';

export const EXPECTED_ATTENTION_SINKS = 4;
/** Positions that the rotation is averaged over. */
export const FUTURE_POSITIONS = 512;

/** Queries of one head: mean [d] and covariance [d][d]. */
export interface QueryStatistics {
  readonly mean: ArrayLike<number>;
  /** Left out: the mean alone counts. */
  readonly covariance?: readonly ArrayLike<number>[];
}

export interface ExpectedAttentionInput {
  /** [tokens][d] of one kv head. */
  readonly keys: readonly ArrayLike<number>[];
  readonly values: readonly ArrayLike<number>[];
  /** Of the query heads that share the kv head; their shares are averaged. */
  readonly queries: readonly QueryStatistics[];
  readonly sinks?: number;
  /** Added to the share before the value's length weighs it. */
  readonly epsilon?: number;
}

/** Score of each token; the sinks have the highest. */
export function expectedAttentionScores({
  keys,
  values,
  queries,
  sinks = EXPECTED_ATTENTION_SINKS,
  epsilon = 0,
}: ExpectedAttentionInput): number[] {
  const rest = keys.slice(sinks);
  const shares = queries.map((query) => softmax(rest.map((key) => logit(key, query))));
  const scores = rest.map((_, token) => {
    const share = shares.reduce((sum, row) => sum + (row[token] ?? 0), 0) / queries.length;
    return (share + epsilon) * norm(values[sinks + token] ?? []);
  });
  const highest = scores.reduce((most, score) => Math.max(most, score), 0);
  return [...keys.slice(0, sinks).map(() => highest), ...scores];
}

/** μᵀk/√d + kᵀΣk/(2d) */
function logit(key: ArrayLike<number>, { mean, covariance }: QueryStatistics): number {
  const d = key.length;
  let [linear, square] = [0, 0];
  for (let i = 0; i < d; i++) {
    linear += (mean[i] ?? 0) * (key[i] ?? 0);
    const row = covariance?.[i];
    if (row) for (let j = 0; j < d; j++) square += (key[i] ?? 0) * (row[j] ?? 0) * (key[j] ?? 0);
  }
  return linear / Math.sqrt(d) + square / (2 * d);
}

export function softmax(logits: readonly number[]): number[] {
  const highest = logits.reduce((most, value) => Math.max(most, value), -Infinity);
  const weights = logits.map((value) => exp(value - highest));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** Mean and covariance of each query's coordinates. @param queries [queries][d] */
export function queryStatistics(queries: readonly ArrayLike<number>[]): QueryStatistics {
  const d = queries[0]?.length ?? 0;
  const count = Math.max(1, queries.length);
  const mean = Array.from(
    { length: d },
    (_, i) => queries.reduce((sum, query) => sum + (query[i] ?? 0), 0) / count,
  );
  const covariance = mean.map((mi, i) =>
    mean.map(
      (mj, j) =>
        queries.reduce((sum, query) => sum + ((query[i] ?? 0) - mi) * ((query[j] ?? 0) - mj), 0) / count,
    ),
  );
  return { mean, covariance };
}

/**
 * Statistics after the mean rotation over the positions [from, from + count): R̄μ and R̄ΣR̄ᵀ. Halves of a vector are
 * rotated against each other, pair i by position · theta^(−2i/d), as Llama and Qwen do.
 */
export function rotateStatistics(
  { mean, covariance }: QueryStatistics,
  from: number,
  theta: number,
  count = FUTURE_POSITIONS,
): QueryStatistics {
  const half = mean.length / 2;
  const turns = Array.from({ length: half }, (_, pair) => meanTurn(pow(theta, -pair / half), from, count));
  /** R̄ times a vector: each pair (x, y) becomes (c·x − s·y, s·x + c·y). */
  const rotate = (vector: ArrayLike<number>): number[] => {
    const [first, second]: [number[], number[]] = [[], []];
    turns.forEach(({ c, s }, pair) => {
      const [x, y] = [vector[pair] ?? 0, vector[pair + half] ?? 0];
      first.push(c * x - s * y);
      second.push(s * x + c * y);
    });
    return [...first, ...second];
  };
  const rotated = { mean: rotate(mean) };
  if (!covariance) return rotated;
  // R̄ΣR̄ᵀ: the rows of Σ by R̄, and then the columns. Σ is symmetric, so its columns are its rows.
  const rows = covariance.map(rotate);
  const columns = Array.from({ length: mean.length }, (_, j) => rotate(rows.map((row) => row[j] ?? 0)));
  return { ...rotated, covariance: columns[0]?.map((_, i) => columns.map((column) => column[i] ?? 0)) ?? [] };
}

function meanTurn(frequency: number, from: number, count: number): { c: number; s: number } {
  let [c, s] = [0, 0];
  for (let position = from; position < from + count; position++) {
    c += cos(position * frequency);
    s += sin(position * frequency);
  }
  return { c: c / count, s: s / count };
}

const SINKS = { first: EXPECTED_ATTENTION_SINKS, last: 0 };

export const expectedAttention: EvictionPolicy = {
  name: 'expected-attention',
  title: 'Expected attention',
  about:
    'Keeps the tokens that future queries, drawn as the prompt’s were, would attend to most, and the first four.',
  source: 'arXiv:2510.00636',
  signal: 'expected-attention',
  scope: 'head',
  unit: 'token',
  frees: true,
  when: 'prefill',
  protectedTokens: () => SINKS,
  keep: ({ length, budget, scores }) => keepBest(scores, length, budget, SINKS),
};
