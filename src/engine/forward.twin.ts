/**
 * The forward pass of every family in plain double precision: what the GPU's is measured against.
 *
 * One sequence, all its positions, no cache and no batch: each position attends to those before it, computed anew. Slow
 * and short on purpose.
 */
import type { ModelConfig } from './config.ts';
import { twinFrequencies, twinRope } from './rope.twin.ts';
import type { HostLayer, HostMatrix, HostNorm, HostWeights } from './weights/host.ts';

/** Logits of each position, [ids.length][vocab]. Position p stands for the token that follows ids[p]. */
export function forwardTwin(
  config: ModelConfig,
  weights: HostWeights,
  ids: readonly number[],
): Float64Array[] {
  let stream = ids.map((id, position) => embed(config, weights, id, position));
  for (const layer of weights.layers) stream = block(config, layer, stream);
  return stream.map((x) => linear(weights.head, normed(config, weights.finalNorm, x)));
}

/** Index of the largest; ties to the lower one. */
export function argmaxTwin(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] ?? 0) > (values[best] ?? 0)) best = i;
  return best;
}

function embed(config: ModelConfig, weights: HostWeights, id: number, position: number): Float64Array {
  const row = rowOf(weights.embedding, id);
  if (config.positions.kind !== 'learned' || !weights.positions) return row;
  return sum(row, rowOf(weights.positions, position + config.positions.offset));
}

function block(config: ModelConfig, layer: HostLayer, stream: readonly Float64Array[]): Float64Array[] {
  const inputs = stream.map((x) => normed(config, layer.attentionNorm, x));
  const attended = attention(config, layer, inputs).map((heads) => linear(layer.output, heads));
  if (layer.mlpNorm === null) {
    return stream.map((x, p) => sum(x, attended[p] ?? x, perceptron(config, layer, inputs[p] ?? x)));
  }
  const mlpNorm = layer.mlpNorm;
  return stream.map((x, p) => {
    const middle = sum(x, attended[p] ?? x);
    return sum(middle, perceptron(config, layer, normed(config, mlpNorm, middle)));
  });
}

/** Softmax attention of each position over those that it sees; [positions][queryHeads · headDim]. */
function attention(config: ModelConfig, layer: HostLayer, inputs: readonly Float64Array[]): Float64Array[] {
  const { queryHeads, kvHeads, headDim, windowTokens } = config;
  const rows = inputs.map((x, position) => headsOf(config, layer, x, position));
  return rows.map((row, position) => {
    const oldest = windowTokens > 0 ? Math.max(0, position - windowTokens + 1) : 0;
    const seen = rows.slice(oldest, position + 1);
    const out = new Float64Array(queryHeads * headDim);
    row.queries.forEach((query, head) => {
      const kvHead = Math.floor((head * kvHeads) / queryHeads);
      const scores = seen.map(({ keys }) => dot(query, keys[kvHead] ?? query) / Math.sqrt(headDim));
      softmax(scores).forEach((probability, i) => {
        const value = seen[i]?.values[kvHead];
        for (let d = 0; d < headDim; d++) {
          const at = head * headDim + d;
          out[at] = (out[at] ?? 0) + probability * (value?.[d] ?? 0);
        }
      });
    });
    return out;
  });
}

interface Heads {
  readonly queries: readonly Float64Array[];
  readonly keys: readonly Float64Array[];
  readonly values: readonly Float64Array[];
}

/** The fused projection of one position, cut into heads, normed and turned. */
function headsOf(config: ModelConfig, layer: HostLayer, x: Float64Array, position: number): Heads {
  const { queryHeads, kvHeads, headDim, positions } = config;
  const projected = linear(layer.qkv, x);
  const cut = (first: number, count: number) =>
    Array.from({ length: count }, (_, i) =>
      projected.slice((first + i) * headDim, (first + i + 1) * headDim),
    );
  const turned = (heads: Float64Array[], weight: Float32Array | null) =>
    heads.map((head) => {
      const out = weight ? rmsNorm(head, weight, config.norm.epsilon) : head;
      if (positions.kind === 'rope') twinRope(out, position, positions, twinFrequencies(positions));
      return out;
    });
  return {
    queries: turned(cut(0, queryHeads), layer.queryNorm),
    keys: turned(cut(queryHeads, kvHeads), layer.keyNorm),
    values: cut(queryHeads + kvHeads, kvHeads),
  };
}

function perceptron(config: ModelConfig, layer: HostLayer, x: Float64Array): Float64Array {
  const raised = linear(layer.up, x);
  const act = ACTIVATIONS[config.activation];
  const { intermediate } = config;
  const middle = Float64Array.from({ length: intermediate }, (_, i) =>
    config.gated ? act(raised[i] ?? 0) * (raised[i + intermediate] ?? 0) : act(raised[i] ?? 0),
  );
  return linear(layer.down, middle);
}

const ACTIVATIONS: Record<ModelConfig['activation'], (x: number) => number> = {
  relu: (x) => Math.max(0, x),
  silu: (x) => x / (1 + Math.exp(-x)),
  gelu: (x) => 0.5 * x * (1 + errorFunction(x / Math.SQRT2)),
  'gelu-tanh': (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
};

/** erf by its Maclaurin series; from |x| = 5 on it is ±1 to 12 digits. */
function errorFunction(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x);
  let term = x;
  let total = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(total) && n < 200; n++) {
    term *= (-x * x) / n;
    total += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
}

function normed({ norm }: ModelConfig, weights: HostNorm, x: Float64Array): Float64Array {
  return norm.kind === 'rms' ? rmsNorm(x, weights.weight, norm.epsilon) : layerNorm(x, weights, norm.epsilon);
}

function rmsNorm(x: Float64Array, weight: Float32Array, epsilon: number): Float64Array {
  const scale = 1 / Math.sqrt(dot(x, x) / x.length + epsilon);
  return x.map((value, i) => value * scale * (weight[i] ?? 0));
}

function layerNorm(x: Float64Array, { weight, bias }: HostNorm, epsilon: number): Float64Array {
  const mean = x.reduce((total, value) => total + value, 0) / x.length;
  const variance = x.reduce((total, value) => total + (value - mean) ** 2, 0) / x.length;
  const scale = 1 / Math.sqrt(variance + epsilon);
  return x.map((value, i) => (value - mean) * scale * (weight[i] ?? 0) + (bias?.[i] ?? 0));
}

/** W·x + bias */
function linear({ rows, columns, data, bias }: HostMatrix, x: Float64Array): Float64Array {
  const out = new Float64Array(rows);
  for (let r = 0; r < rows; r++) {
    let total = bias?.[r] ?? 0;
    for (let c = 0; c < columns; c++) total += (data[r * columns + c] ?? 0) * (x[c] ?? 0);
    out[r] = total;
  }
  return out;
}

function softmax(scores: readonly number[]): number[] {
  const most = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = scores.map((score) => Math.exp(score - most));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / total);
}

function dot(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += (a[i] ?? 0) * (b[i] ?? 0);
  return total;
}

function sum(first: Float64Array, ...others: readonly Float64Array[]): Float64Array {
  return first.map((value, i) => others.reduce((total, other) => total + (other[i] ?? 0), value));
}

function rowOf({ columns, data }: HostMatrix, row: number): Float64Array {
  return Float64Array.from(data.subarray(row * columns, (row + 1) * columns));
}
