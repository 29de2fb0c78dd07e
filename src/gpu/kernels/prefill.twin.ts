/**
 * The twin of prefill attention: plain TypeScript, double precision, two-pass softmax, one query row at a time.
 * Reads keys and values through a function, so that it knows no pool, no table and no format.
 */

/** The `headDim` values of one token of one sequence and kv head. */
export type KvReader = (sequence: number, token: number, kvHead: number) => ArrayLike<number>;

export interface PrefillProblem {
  /** [totalTokens][queryHeads][headDim] */
  readonly query: ArrayLike<number>;
  readonly keys: KvReader;
  readonly values: KvReader;
  readonly queryStarts: ArrayLike<number>;
  readonly contextLengths: ArrayLike<number>;
  readonly queryHeads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly windowTokens?: number;
  readonly sinkTokens?: number;
}

/** The rule of visibility that decode, prefill and their twins share. Window 0: no window. */
export function isVisible(
  token: number,
  position: number,
  windowTokens: number,
  sinkTokens: number,
): boolean {
  if (token > position) return false;
  return windowTokens === 0 || token < sinkTokens || token > position - windowTokens;
}

/** f64 [totalTokens][queryHeads][headDim] */
export function prefillTwin(problem: PrefillProblem): Float64Array {
  const { queryStarts, contextLengths, queryHeads, headDim } = problem;
  const output = new Float64Array(problem.query.length);
  for (let sequence = 0; sequence + 1 < queryStarts.length; sequence++) {
    const start = queryStarts[sequence] ?? 0;
    const tokens = (queryStarts[sequence + 1] ?? 0) - start;
    const context = contextLengths[sequence] ?? 0;
    for (let i = 0; i < tokens && context > 0; i++) {
      for (let head = 0; head < queryHeads; head++) {
        const row = ((start + i) * queryHeads + head) * headDim;
        attendRow(problem, sequence, context - tokens + i, head, row, output);
      }
    }
  }
  return output;
}

function attendRow(
  problem: PrefillProblem,
  sequence: number,
  position: number,
  head: number,
  row: number,
  output: Float64Array,
): void {
  const { query, headDim, queryHeads, kvHeads, windowTokens = 0, sinkTokens = 0 } = problem;
  const kvHead = Math.floor((head * kvHeads) / queryHeads);
  const visible: { token: number; score: number }[] = [];
  for (let token = 0; token <= position; token++) {
    if (!isVisible(token, position, windowTokens, sinkTokens)) continue;
    const key = problem.keys(sequence, token, kvHead);
    let score = 0;
    for (let d = 0; d < headDim; d++) score += (query[row + d] ?? 0) * (key[d] ?? 0);
    visible.push({ token, score: score / Math.sqrt(headDim) });
  }
  const largest = visible.reduce((most, { score }) => Math.max(most, score), -Infinity);
  let sum = 0;
  for (const { token, score } of visible) {
    const weight = Math.exp(score - largest);
    const value = problem.values(sequence, token, kvHead);
    sum += weight;
    for (let d = 0; d < headDim; d++) output[row + d] = (output[row + d] ?? 0) + weight * (value[d] ?? 0);
  }
  for (let d = 0; d < headDim && sum > 0; d++) output[row + d] = (output[row + d] ?? 0) / sum;
}
