/** From logits to what is measured of them. Natural logarithms; double precision. */

/** log softmax, as f32 to be kept. */
export function logProbabilities(logits: Float32Array): Float32Array {
  const most = logits.reduce((high, x) => Math.max(high, x), Number.NEGATIVE_INFINITY);
  let sum = 0;
  for (const x of logits) sum += Math.exp(x - most);
  const norm = most + Math.log(sum);
  return logits.map((x) => x - norm);
}

/** Σ p·log(p/q). Rounding may take it below 0 where both agree; it is not less than 0. */
export function klDivergence(p: Float32Array, q: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < p.length; i++) {
    const log = p[i] ?? 0;
    sum += Math.exp(log) * (log - (q[i] ?? 0));
  }
  return Math.max(0, sum);
}

/** Place of the largest, the first of equals. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] ?? 0) > (values[best] ?? 0)) best = i;
  return best;
}

/** Whether the answer is the first among the candidates, and its share of their probability. */
export function judge(
  logits: Float32Array,
  answerId: number,
  candidates: readonly number[],
): { readonly right: 0 | 1; readonly probability: number } {
  const scores = Float32Array.from(candidates, (id) => logits[id] ?? 0);
  const logs = logProbabilities(scores);
  const place = candidates.indexOf(answerId);
  return {
    right: candidates[argmax(scores)] === answerId ? 1 : 0,
    probability: Math.exp(logs[place] ?? Number.NEGATIVE_INFINITY),
  };
}
