/** Twin of the linear layers: the same outputs in double precision, one row after the other. */
import { normalCdf } from '../../core/special.ts';
import type { LinearConfig, LinearEpilogue } from './linear-config.ts';

export interface LinearInput {
  /** [..][columns] */
  readonly input: ArrayLike<number>;
  /** [rows][columns], as `unpackLinear` gives it: what the words really say. */
  readonly weight: ArrayLike<number>;
  /** [rows] */
  readonly bias?: ArrayLike<number>;
  /** [columns] */
  readonly normWeight?: ArrayLike<number>;
  readonly normBias?: ArrayLike<number>;
  /** [tokens][rows] */
  readonly residual?: ArrayLike<number>;
  readonly tokens: number;
  readonly inputRows?: ArrayLike<number>;
}

type TwinConfig = Pick<LinearConfig, 'rows' | 'columns' | 'norm' | 'epsilon' | 'epilogue'>;

/** [tokens][rows], or [tokens][rows / 2] where gated. */
export function linearTwin(config: TwinConfig, args: LinearInput): Float64Array {
  const { rows, columns } = config;
  const finish = EPILOGUES[config.epilogue];
  const outputs = config.epilogue.endsWith('-gated') ? rows / 2 : rows;
  const out = new Float64Array(args.tokens * outputs);
  for (let token = 0; token < args.tokens; token++) {
    const x = normed(config, args, args.inputRows?.[token] ?? token);
    const sum = (row: number): number => {
      let total = args.bias?.[row] ?? 0;
      for (let c = 0; c < columns; c++) total += (args.weight[row * columns + c] ?? 0) * (x[c] ?? 0);
      return total;
    };
    for (let row = 0; row < outputs; row++) {
      const at = token * outputs + row;
      const other = outputs === rows ? (args.residual?.[at] ?? 0) : sum(row + outputs);
      out[at] = finish(sum(row), other);
    }
  }
  return out;
}

function normed({ columns, norm, epsilon }: TwinConfig, args: LinearInput, row: number): Float64Array {
  const x = Float64Array.from({ length: columns }, (_, c) => args.input[row * columns + c] ?? 0);
  if (norm === 'none') return x;
  const mean = norm === 'layer' ? x.reduce((sum, value) => sum + value, 0) / columns : 0;
  const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / columns;
  const factor = 1 / Math.sqrt(variance + epsilon);
  return x.map(
    (value, c) => (value - mean) * factor * (args.normWeight?.[c] ?? 0) + (args.normBias?.[c] ?? 0),
  );
}

const silu = (x: number): number => x / (1 + Math.exp(-x));
const relu = (x: number): number => Math.max(0, x);
const gelu = (x: number): number => x * normalCdf(x);
const geluTanh = (x: number): number =>
  0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

/** Of a row's sum and of the residual, or the up projection's sum where gated. */
const EPILOGUES: Readonly<Record<LinearEpilogue, (x: number, other: number) => number>> = {
  store: (x) => x,
  add: (x, residual) => x + residual,
  silu,
  gelu,
  'gelu-tanh': geluTanh,
  relu,
  'silu-gated': (gate, up) => silu(gate) * up,
  'gelu-gated': (gate, up) => gelu(gate) * up,
  'gelu-tanh-gated': (gate, up) => geluTanh(gate) * up,
  'relu-gated': (gate, up) => relu(gate) * up,
};
