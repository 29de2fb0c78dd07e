/** Twin of the rope kernel: the same queries, keys and values in double precision, from angles in radians. */
import type { RopeConfig } from './transformer-config.ts';

export interface RopeInput {
  /** [tokens][queryHeads + 2·kvHeads][headDim] */
  readonly input: ArrayLike<number>;
  readonly positions: ArrayLike<number>;
  /** [rotaryDim / 2], radians a position. */
  readonly frequencies: ArrayLike<number>;
  /** [headDim] */
  readonly queryNorm?: ArrayLike<number>;
  readonly keyNorm?: ArrayLike<number>;
}

export interface RopeOutput {
  /** [tokens][heads][paddedHeadDim] */
  readonly query: number[];
  readonly key: number[];
  readonly value: number[];
}

export function ropeTwin(config: RopeConfig, args: RopeInput): RopeOutput {
  const { queryHeads, kvHeads, headDim, paddedHeadDim } = config;
  const heads = queryHeads + 2 * kvHeads;
  const out: RopeOutput = { query: [], key: [], value: [] };
  for (let row = 0; row < args.positions.length * heads; row++) {
    const head = row % heads;
    const position = args.positions[Math.floor(row / heads)] ?? 0;
    const x = Array.from({ length: headDim }, (_, d) => args.input[row * headDim + d] ?? 0);
    const kind = head < queryHeads ? 'query' : head < queryHeads + kvHeads ? 'key' : 'value';
    if (kind !== 'value') {
      if (config.qkNorm) norm(x, (kind === 'query' ? args.queryNorm : args.keyNorm) ?? [], config.epsilon);
      turn(x, config, position, args.frequencies);
    }
    const scale = kind === 'query' ? config.queryScale : 1;
    for (let d = 0; d < paddedHeadDim; d++) out[kind].push((x[d] ?? 0) * scale);
  }
  return out;
}

function norm(x: number[], weight: ArrayLike<number>, epsilon: number): void {
  const meanSquare = x.reduce((sum, value) => sum + value * value, 0) / x.length;
  const factor = 1 / Math.sqrt(meanSquare + epsilon);
  x.forEach((value, d) => (x[d] = value * factor * (weight[d] ?? 0)));
}

function turn(x: number[], config: RopeConfig, position: number, frequencies: ArrayLike<number>): void {
  const { rotaryDim, layout, magnitude } = config;
  const half = rotaryDim / 2;
  for (let pair = 0; pair < half; pair++) {
    const [a, b] = layout === 'half' ? [pair, pair + half] : [2 * pair, 2 * pair + 1];
    const angle = position * (frequencies[pair] ?? 0);
    const [cos, sin] = [Math.cos(angle) * magnitude, Math.sin(angle) * magnitude];
    const [first, second] = [x[a] ?? 0, x[b] ?? 0];
    x[a] = first * cos - second * sin;
    x[b] = first * sin + second * cos;
  }
}
