/**
 * Which tensors of a file become which weights of a model: what an architecture says, and what the loader, the random
 * models and the reference pass read. Shapes follow from the configuration, so a plan is complete before any file is open.
 */

/** Names of one tensor, the usual one first; files differ in prefixes, and in what a tied embedding is called. */
export type TensorNames = readonly [string, ...string[]];

/** A piece of a matrix: whole rows of it. */
export interface MatrixPart {
  readonly tensor: TensorNames;
  /** Rows (outputs) of the piece. */
  readonly rows: number;
  /** Stored [columns][rows], as GPT-2's Conv1D is. */
  readonly transposed: boolean;
}

/** [rows = sum of the parts][columns], the parts under one another. */
export interface MatrixPlan {
  /** For people: 'layers.3.qkv'. */
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly parts: readonly MatrixPart[];
  readonly bias: VectorPlan | null;
  /** Columns are those of heads, each padded with zeros on the way to the GPU. */
  readonly headColumns: number | null;
}

/** The parts one after another. */
export interface VectorPlan {
  readonly name: string;
  readonly length: number;
  readonly parts: readonly { readonly tensor: TensorNames; readonly length: number }[];
}

export interface NormPlan {
  readonly weight: VectorPlan;
  readonly bias: VectorPlan | null;
}

export interface LayerPlan {
  readonly attentionNorm: NormPlan;
  readonly qkv: MatrixPlan;
  readonly queryNorm: VectorPlan | null;
  readonly keyNorm: VectorPlan | null;
  readonly output: MatrixPlan;
  readonly mlpNorm: NormPlan | null;
  readonly up: MatrixPlan;
  readonly down: MatrixPlan;
}

export interface ModelPlan {
  readonly embedding: MatrixPlan;
  /** Learned positions, [maxPositionTokens + offset][hidden]. */
  readonly positions: MatrixPlan | null;
  readonly layers: readonly LayerPlan[];
  readonly finalNorm: NormPlan;
  /** Its parts are the embedding's where the two are tied. */
  readonly head: MatrixPlan;
}

export function matrix(
  name: string,
  columns: number,
  parts: readonly MatrixPart[],
  bias: VectorPlan | null = null,
  headColumns: number | null = null,
): MatrixPlan {
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  return { name, rows, columns, parts, bias, headColumns };
}

export function part(tensor: TensorNames, rows: number, transposed = false): MatrixPart {
  return { tensor, rows, transposed };
}

export function vector(name: string, parts: readonly (readonly [TensorNames, number])[]): VectorPlan {
  return {
    name,
    length: parts.reduce((sum, [, length]) => sum + length, 0),
    parts: parts.map(([tensor, length]) => ({ tensor, length })),
  };
}

/** A norm whose tensors are `base.weight` and, with a shift, `base.bias`. */
export function norm(name: string, bases: TensorNames, width: number, shifted: boolean): NormPlan {
  return {
    weight: vector(`${name}.weight`, [[ended(bases, '.weight'), width]]),
    bias: shifted ? vector(`${name}.bias`, [[ended(bases, '.bias'), width]]) : null,
  };
}

/** The same ending on every name. */
export function ended([first, ...rest]: TensorNames, ending: string): TensorNames {
  return [first + ending, ...rest.map((name) => name + ending)];
}

/** The name below each of a file's possible prefixes. */
export function under([first, ...rest]: TensorNames, name: string): TensorNames {
  return [first + name, ...rest.map((prefix) => prefix + name)];
}

/** Every matrix of a plan, in the order of the forward pass. */
export function matricesOf(plan: ModelPlan): MatrixPlan[] {
  return [
    plan.embedding,
    ...(plan.positions ? [plan.positions] : []),
    ...plan.layers.flatMap((layer) => [layer.qkv, layer.output, layer.up, layer.down]),
    plan.head,
  ];
}

/** Every vector of a plan, biases among them. */
export function vectorsOf(plan: ModelPlan): VectorPlan[] {
  const norms = [
    ...plan.layers.flatMap(({ attentionNorm, mlpNorm }) => [attentionNorm, ...(mlpNorm ? [mlpNorm] : [])]),
    plan.finalNorm,
  ];
  const all = [
    ...norms.flatMap(({ weight, bias }) => [weight, bias]),
    ...plan.layers.flatMap(({ queryNorm, keyNorm }) => [queryNorm, keyNorm]),
    ...matricesOf(plan).map(({ bias }) => bias),
  ];
  return all.filter((one) => one !== null);
}
