/**
 * What a transformer is made of, layer kind by layer kind: enough to count its parameters, its KV bytes and its work.
 *
 * Boundary: shapes as published. A dense model of records.ts is one kind of layer; architectures.json holds what does not
 * fit into such a row: mixtures of experts, latent attention, windows, chunks, and layers that keep a state instead of
 * keys and values. What follows from the shapes is in parameters.ts, core/kv/layers.ts and core/kv/budget.ts.
 *
 * Of an encoder for images its size and the tokens of an image are given. Left out: encoders of sound, heads that predict
 * several tokens, indexers of sparse attention.
 */
import * as v from 'valibot';
import { NameIndex } from '../names.ts';
import rows from './architectures.json' with { type: 'json' };
import { modelKey } from './names.ts';
import { MODELS, type ModelRecord } from './records.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(1));
const optionalCount = v.pipe(v.number(), v.integer(), v.minValue(0));

const heads = {
  queryHeads: count,
  kvHeads: count,
  keyDim: count,
  valueDim: count,
  /** A gate of the width of the output beside the queries. */
  gated: v.optional(v.boolean()),
  /** Keys are stored and serve as values too. */
  keyIsValue: v.optional(v.boolean()),
  /** K and V are those of an earlier layer; this one keeps nothing. */
  sharesKv: v.optional(v.boolean()),
  /** Rank of the query's compression; absent: none. */
  queryRank: v.optional(count),
  /** Rank of the output's, in groups of heads; absent: none. */
  outputRank: v.optional(count),
  outputGroups: v.optional(count),
};

/** How a layer mixes tokens, and so what it keeps of them. */
export const Mixer = v.variant('kind', [
  /** Every earlier token is seen; `entryTokens` of them as one compressed entry, where that is given. */
  v.strictObject({ kind: v.literal('full'), ...heads, entryTokens: v.optional(count) }),
  /** The newest `windowTokens` are seen, the token itself among them. */
  v.strictObject({ kind: v.literal('sliding'), ...heads, windowTokens: count }),
  /** Tokens of the same chunk of positions are seen. */
  v.strictObject({ kind: v.literal('chunked'), ...heads, chunkTokens: count }),
  /** Multi-head latent attention: one latent of a token for K and V of all heads. */
  v.strictObject({
    kind: v.literal('latent'),
    queryHeads: count,
    latentDim: count,
    ropeDim: count,
    nopeDim: count,
    valueDim: count,
    /** Rank of the query's compression; 0: none. */
    queryRank: optionalCount,
    /** A gate of the width of the output beside the queries. */
    gated: v.optional(v.boolean()),
  }),
  /** Mamba-2: a state of heads × headDim × stateDim and the last inputs of a short convolution. */
  v.strictObject({
    kind: v.literal('mamba'),
    heads: count,
    headDim: count,
    stateDim: count,
    groups: count,
    convTokens: count,
    stateBytesPerElement: v.picklist([2, 4]),
  }),
  /** Gated delta rule: a state of valueHeads × keyDim × valueDim and the last inputs of a short convolution. */
  v.strictObject({
    kind: v.literal('delta'),
    keyHeads: count,
    valueHeads: count,
    keyDim: count,
    valueDim: count,
    convTokens: count,
    stateBytesPerElement: v.picklist([2, 4]),
  }),
  /** A layer that is a multilayer perceptron and nothing else. */
  v.strictObject({ kind: v.literal('none') }),
]);
export type Mixer = v.InferOutput<typeof Mixer>;
export type AttentionMixer = Extract<Mixer, { kind: 'full' | 'sliding' | 'chunked' }>;
export type LatentMixer = Extract<Mixer, { kind: 'latent' }>;
export type StateMixer = Extract<Mixer, { kind: 'mamba' | 'delta' }>;

export const Perceptron = v.variant('kind', [
  /** Gate, up and down. */
  v.strictObject({ kind: v.literal('gated'), intermediate: count }),
  /** Up and down. */
  v.strictObject({ kind: v.literal('plain'), intermediate: count }),
  v.strictObject({
    kind: v.literal('experts'),
    experts: count,
    /** Experts that a token uses. */
    activeExperts: count,
    intermediate: count,
    /** Width of what every token uses beside them; 0: nothing. */
    sharedIntermediate: optionalCount,
    /** Experts have two matrices (up and down) instead of three. */
    plain: v.optional(v.boolean()),
    /** Width that the experts work in, between a projection down and one up; absent: the model's. */
    expertHidden: v.optional(count),
  }),
  v.strictObject({ kind: v.literal('none') }),
]);
export type Perceptron = v.InferOutput<typeof Perceptron>;
export type Experts = Extract<Perceptron, { kind: 'experts' }>;

/** Layers that are alike. */
export const LayerKind = v.strictObject({ layers: count, mixer: Mixer, mlp: Perceptron });
export type LayerKind = v.InferOutput<typeof LayerKind>;

/** Tokens of KV that an image takes. */
export const ImageTokens = v.variant('kind', [
  v.strictObject({ kind: v.literal('fixed'), tokens: count }),
  /** The image in its own size. */
  v.strictObject({ kind: v.literal('area'), pixelsPerToken: count }),
]);
export type ImageTokens = v.InferOutput<typeof ImageTokens>;

/** The encoder of images beside a language model. */
export const Encoder = v.strictObject({
  layers: count,
  hidden: count,
  intermediate: count,
  /** Of the encoder and of what joins it to the model. */
  parameters: count,
  imageTokens: ImageTokens,
});
export type Encoder = v.InferOutput<typeof Encoder>;

/** Formats that weights are published in. */
export const RELEASED_FORMATS = ['bf16', 'fp8', 'int8', 'int4', 'mxfp4'] as const;
export type ReleasedFormat = (typeof RELEASED_FORMATS)[number];

export const Architecture = v.strictObject({
  id: v.pipe(v.string(), v.regex(/^[a-z0-9.-]+$/), v.maxLength(100)),
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(100)),
  /** Repositories and other names of models with these shapes. */
  aliases: v.optional(v.pipe(v.array(v.pipe(v.string(), v.maxLength(120))), v.maxLength(20))),
  hidden: count,
  vocab: count,
  maxPositionTokens: count,
  tiedEmbeddings: v.boolean(),
  /** A norm over each query and key head. */
  qkNorm: v.boolean(),
  /** In no order that matters: a step runs through all of them. */
  kinds: v.pipe(v.array(LayerKind), v.minLength(1), v.maxLength(64)),
  /** Absent: text alone. */
  encoder: v.optional(Encoder),
  /** Format of the weights as the makers released them; absent: bf16, or not known. */
  released: v.optional(v.picklist(RELEASED_FORMATS)),
  source: v.pipe(v.string(), v.minLength(10)),
});
export type Architecture = v.InferOutput<typeof Architecture>;

/** A dense model's row as an architecture of one kind of layer. */
export function architectureOf(model: ModelRecord): Architecture {
  const { queryHeads, kvHeads, headDim, intermediate } = model;
  return {
    id: model.id,
    name: model.name,
    aliases: model.aliases,
    hidden: model.hidden,
    vocab: model.vocab,
    maxPositionTokens: model.maxPositionTokens,
    tiedEmbeddings: model.tiedEmbeddings,
    qkNorm: model.qkNorm,
    kinds: [
      {
        layers: model.layers,
        mixer: { kind: 'full', queryHeads, kvHeads, keyDim: headDim, valueDim: headDim },
        mlp: { kind: model.mlp, intermediate },
      },
    ],
    source: model.source,
  };
}

/** Dense models of the laboratory first, then the others. */
export const ARCHITECTURES: readonly Architecture[] = [
  ...MODELS.map(architectureOf),
  ...v.parse(v.array(Architecture), rows),
];

/** Records, and the one that a name means. */
export interface ArchitectureTable {
  readonly all: readonly Architecture[];
  readonly find: (name: string) => Architecture | undefined;
}

const index = new NameIndex(ARCHITECTURES, modelKey);
let table: ArchitectureTable = { all: ARCHITECTURES, find: (name) => index.find(name) };

/** Lets all rooms find every record (all-records.ts) in place of these tables'. */
export function findArchitecturesIn(whole: ArchitectureTable): void {
  table = whole;
}

/** A model by id, name or alias, in any case: of these tables, or of all where all-records.ts is loaded. */
export function findArchitecture(name: string): Architecture | undefined {
  return table.find(name);
}

/** Names of the models that `findArchitecture` finds. */
export function architectureNames(): string[] {
  return table.all.map(({ name }) => name);
}

/** Whether layers keep a state: it is overwritten at each token, so no prefix of it can be found again. */
export function keepsState({ kinds }: Pick<Architecture, 'kinds'>): boolean {
  return kinds.some(({ mixer }) => mixer.kind === 'mamba' || mixer.kind === 'delta');
}

/** Tokens of KV that an image of so many pixels takes; null: the model takes none. */
export function imageTokens({ encoder }: Architecture, width: number, height: number): number | null {
  if (!encoder) return null;
  const { imageTokens: tokens } = encoder;
  return tokens.kind === 'fixed' ? tokens.tokens : Math.ceil((width * height) / tokens.pixelsPerToken);
}

export function layerCount({ kinds }: Pick<Architecture, 'kinds'>): number {
  return kinds.reduce((sum, { layers }) => sum + layers, 0);
}
