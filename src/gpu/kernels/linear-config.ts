/** What a linear layer is made from and called with. Its launcher is linear.ts. */

export const WEIGHT_FORMATS = ['f32', 'f16', 'int8', 'int4'] as const;
export type WeightFormat = (typeof WEIGHT_FORMATS)[number];

/**
 * A matrix on the GPU, [rows = outputs][columns = inputs].
 *
 *   f32    u32 words [rows][columns]
 *   f16    u32 words [rows][columns / 2], two halves a word
 *   int8   u32 words [rows][columns / 4], code + 128 in each byte; scales f32 [rows][columns / 32], x = code·scale
 *   int4   u32 words [rows][columns / 8], code + 8 in each nibble; scales as int8 (GGUF's Q8_0 and Q4_0 fit exactly)
 *
 * Where `columns` is no multiple of 32 the row is padded with zero codes up to one; `columns` stays the logical number
 * and `paddedColumns` says where the next row begins.
 */
export interface LinearWeight {
  readonly format: WeightFormat;
  readonly rows: number;
  readonly columns: number;
  readonly paddedColumns: number;
  readonly codes: GPUBuffer;
  /** null for f32 and f16. */
  readonly scales: GPUBuffer | null;
  /** f32 [rows], or null. */
  readonly bias: GPUBuffer | null;
}

/** What becomes of the inputs on the way in. */
export type LinearNorm = 'none' | 'rms' | 'layer';

/** What becomes of the sums on the way out. */
export type LinearEpilogue =
  /** output = W·x + bias */
  | 'store'
  /** output = W·x + bias + residual */
  | 'add'
  /** rows/2 outputs: silu(gate) · up, gate from row r, up from row r + rows/2 */
  | 'silu-gated'
  | 'gelu-gated'
  | 'gelu-tanh-gated'
  | 'relu-gated'
  | 'silu'
  | 'gelu'
  | 'gelu-tanh'
  | 'relu';

export interface LinearConfig {
  readonly format: WeightFormat;
  readonly rows: number;
  readonly columns: number;
  readonly norm: LinearNorm;
  readonly epsilon: number;
  readonly epilogue: LinearEpilogue;
  readonly hasBias: boolean;
  /** Most tokens of one call. */
  readonly maxTokens: number;
  readonly tier: 'auto' | 'subgroups' | 'no-subgroups';
}

export interface LinearArgs {
  /** f32 [tokens][columns] */
  readonly input: GPUBuffer;
  readonly weight: LinearWeight;
  /** f32 [columns]; with a norm. */
  readonly normWeight?: GPUBuffer;
  /** f32 [columns]; with the norm `layer`. */
  readonly normBias?: GPUBuffer;
  /** f32 [tokens][rows]; with the epilogue `add`. Not the buffer `output`: one binding reads, the other writes. */
  readonly residual?: GPUBuffer;
  /** f32 [tokens][rows], or [tokens][rows / 2] where gated. */
  readonly output: GPUBuffer;
  readonly tokens: number;
  /** u32 [tokens]: which row of `input` each token is; left out: its own number. */
  readonly inputRows?: GPUBuffer;
}

export interface Linear {
  readonly variant: string;
  readonly workspaceBytes: number;
  /** @throws LaunchError where a buffer is too small. */
  encode(pass: GPUComputePassEncoder, args: LinearArgs): void;
  destroy(): void;
}
