/**
 * Parameters of any architecture, and the bytes of its weights: per layer kind what every token multiplies with, and
 * what only some tokens do (experts).
 *
 * Formulas: REFERENCE of the vectors weights/*; Mamba-2 (arXiv:2405.21060) and Gated DeltaNet (arXiv:2412.06464) for
 * layers with a state; DeepSeek-V2 (arXiv:2405.04434) for latent attention. Norms are counted, biases are not: they are
 * less than a thousandth of every model here. Dense rows with biases are exact in weights.ts.
 */
import { pow } from '../math.ts';
import type {
  Architecture,
  AttentionMixer,
  Experts,
  LatentMixer,
  LayerKind,
  Mixer,
  Perceptron,
} from './architecture.ts';

/** Parameters of one layer. */
export interface LayerParams {
  /** Matrices that every token multiplies with: the mixer, the perceptron or the shared expert. */
  readonly dense: number;
  /** Matrices of one expert; 0 without. */
  readonly expert: number;
  readonly experts: number;
  readonly activeExperts: number;
  /** Router of a mixture: stays in the activations' format. */
  readonly router: number;
  /** Norms and short convolutions. */
  readonly small: number;
}

/** A matrix, or two of a rank between them. */
function lowRank(from: number, to: number, rank = 0): number {
  return rank === 0 ? from * to : from * rank + rank * to;
}

function attentionParams(hidden: number, mixer: AttentionMixer): number {
  const { queryHeads, kvHeads, keyDim, valueDim, gated, keyIsValue, sharesKv } = mixer;
  const { queryRank, outputRank, outputGroups = 1 } = mixer;
  const queries = lowRank(hidden, queryHeads * keyDim, queryRank);
  const gate = gated === true ? hidden * queryHeads * valueDim : 0;
  const stored = sharesKv === true ? 0 : kvHeads * (keyDim + (keyIsValue === true ? 0 : valueDim));
  const inner = queryHeads * valueDim;
  const output =
    outputRank === undefined ? inner * hidden : inner * outputRank + outputGroups * outputRank * hidden;
  return queries + gate + hidden * stored + output;
}

function latentParams(hidden: number, mixer: LatentMixer): number {
  const { queryHeads, latentDim, ropeDim, nopeDim, valueDim, queryRank, gated } = mixer;
  const queries = lowRank(hidden, queryHeads * (nopeDim + ropeDim), queryRank);
  const latent = hidden * (latentDim + ropeDim) + latentDim * queryHeads * (nopeDim + valueDim);
  const outputs = gated === true ? 2 : 1;
  return queries + latent + outputs * queryHeads * valueDim * hidden;
}

function mixerParams(hidden: number, mixer: Mixer): { readonly dense: number; readonly small: number } {
  switch (mixer.kind) {
    case 'full':
    case 'sliding':
    case 'chunked':
      return { dense: attentionParams(hidden, mixer), small: 0 };
    case 'latent':
      return { dense: latentParams(hidden, mixer), small: mixer.latentDim + mixer.queryRank };
    case 'mamba': {
      const inner = mixer.heads * mixer.headDim;
      const mixed = inner + 2 * mixer.groups * mixer.stateDim;
      const small = mixed * mixer.convTokens + 3 * mixer.heads + inner;
      return { dense: hidden * (inner + mixed + mixer.heads) + inner * hidden, small };
    }
    case 'delta': {
      const keys = mixer.keyHeads * mixer.keyDim;
      const values = mixer.valueHeads * mixer.valueDim;
      const dense = hidden * (2 * keys + 2 * values + 2 * mixer.valueHeads) + values * hidden;
      const small = (2 * keys + values) * mixer.convTokens + 2 * mixer.valueHeads + mixer.valueDim;
      return { dense, small };
    }
    case 'none':
      return { dense: 0, small: 0 };
    default:
      return mixer satisfies never;
  }
}

function perceptronParams(hidden: number, mlp: Perceptron): Omit<LayerParams, 'small'> {
  const none = { expert: 0, experts: 0, activeExperts: 0, router: 0 };
  switch (mlp.kind) {
    case 'gated':
      return { dense: 3 * hidden * mlp.intermediate, ...none };
    case 'plain':
      return { dense: 2 * hidden * mlp.intermediate, ...none };
    case 'experts':
      return expertParams(hidden, mlp);
    case 'none':
      return { dense: 0, ...none };
    default:
      return mlp satisfies never;
  }
}

function expertParams(hidden: number, mlp: Experts): Omit<LayerParams, 'small'> {
  const matrices = mlp.plain === true ? 2 : 3;
  const { expertHidden } = mlp;
  const around = expertHidden === undefined ? 0 : 2 * hidden * expertHidden;
  return {
    dense: matrices * hidden * mlp.sharedIntermediate + around,
    expert: matrices * (expertHidden ?? hidden) * mlp.intermediate,
    experts: mlp.experts,
    activeExperts: mlp.activeExperts,
    router: hidden * mlp.experts,
  };
}

/** Norms before the mixer and before the perceptron, and those of query and key heads. */
function normParams(
  { hidden, qkNorm }: Pick<Architecture, 'hidden' | 'qkNorm'>,
  { mixer, mlp }: LayerKind,
): number {
  const norms = (mixer.kind === 'none' ? 0 : hidden) + (mlp.kind === 'none' ? 0 : hidden);
  const heads = mixer.kind === 'full' || mixer.kind === 'sliding' || mixer.kind === 'chunked';
  return norms + (qkNorm && heads ? 2 * mixer.keyDim : 0);
}

export function layerParams(model: Pick<Architecture, 'hidden' | 'qkNorm'>, kind: LayerKind): LayerParams {
  const mixer = mixerParams(model.hidden, kind.mixer);
  const mlp = perceptronParams(model.hidden, kind.mlp);
  return { ...mlp, dense: mixer.dense + mlp.dense, small: mixer.small + normParams(model, kind) };
}

export interface ArchitectureParams {
  readonly total: number;
  /** Those that one token multiplies with, the embedding included once. */
  readonly active: number;
  readonly embedding: number;
}

export function architectureParams(model: Architecture): ArchitectureParams {
  const embedding = model.vocab * model.hidden;
  const outside = embedding * (model.tiedEmbeddings ? 1 : 2) + model.hidden;
  let total = outside;
  let active = outside;
  for (const kind of model.kinds) {
    const { dense, expert, experts, activeExperts, router, small } = layerParams(model, kind);
    total += kind.layers * (dense + expert * experts + router + small);
    active += kind.layers * (dense + expert * activeExperts + router + small);
  }
  return { total, active, embedding };
}

/**
 * Formats of weights on a GPU, bits of a parameter with its scales: fp8 in blocks of 128 × 128 with one f32 (DeepSeek-V3),
 * int8 with one scale a row (not counted), int4 in groups of 128 with an f16 scale (GPTQ, AWQ), mxfp4
 * in groups of 32 with a scale of eight bits (OCP MX).
 */
export const SERVED_WEIGHT_BITS = {
  bf16: 16,
  fp8: 8 + 32 / (128 * 128),
  int8: 8,
  int4: 4 + 16 / 128,
  mxfp4: 4 + 8 / 32,
} as const;
export type ServedWeightFormat = keyof typeof SERVED_WEIGHT_BITS;

/** Bytes of one parameter of an expert's matrices. */
export function bytesPerWeight(format: ServedWeightFormat): number {
  return SERVED_WEIGHT_BITS[format] / 8;
}

/** Bytes of one parameter of the matrices that every token multiplies with: mxfp4 checkpoints keep them in bf16. */
export function bytesPerDenseWeight(format: ServedWeightFormat): number {
  return format === 'mxfp4' ? KEPT_BYTES_PER_PARAM : bytesPerWeight(format);
}

/** What quantised checkpoints keep in bf16: embedding, output layer, norms and routers. */
export const KEPT_BYTES_PER_PARAM = 2;

/** Bytes of one layer's weights. */
export function layerWeightBytes(
  model: Pick<Architecture, 'hidden' | 'qkNorm'>,
  kind: LayerKind,
  format: ServedWeightFormat,
): number {
  const { dense, expert, experts, router, small } = layerParams(model, kind);
  const matrices = dense * bytesPerDenseWeight(format) + expert * experts * bytesPerWeight(format);
  return matrices + (router + small) * KEPT_BYTES_PER_PARAM;
}

/** Bytes of all weights. */
export function architectureWeightBytes(model: Architecture, format: ServedWeightFormat): number {
  const embedding = model.vocab * model.hidden * (model.tiedEmbeddings ? 1 : 2) + model.hidden;
  return model.kinds.reduce(
    (sum, kind) => sum + kind.layers * layerWeightBytes(model, kind, format),
    embedding * KEPT_BYTES_PER_PARAM,
  );
}

/**
 * Experts that a step of `tokens` tokens reads, when each token draws `activeExperts` of `experts` evenly and on its own:
 * E·(1 − (1 − k/E)^tokens).
 */
export function expectedDistinctExperts(experts: number, activeExperts: number, tokens: number): number {
  return experts * (1 - pow(1 - activeExperts / experts, tokens));
}
