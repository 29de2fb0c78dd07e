/**
 * Known model architectures: models.json, one row a model with its source.
 *
 * Boundary: shapes only. What follows from them is in weights.ts and fit.ts.
 */
import * as v from 'valibot';
import { NameIndex } from '../names.ts';
import { HEAD_DIMS, type ModelShape } from '../scenario/schema.ts';
import rows from './models.json' with { type: 'json' };
import { modelKey } from './names.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(1));

export const ModelRecord = v.strictObject({
  id: v.pipe(v.string(), v.regex(/^[a-z0-9.-]+$/)),
  name: v.string(),
  /** Repositories and other names of models with these shapes. */
  aliases: v.array(v.string()),
  layers: count,
  hidden: count,
  /** Width of the MLP's middle. */
  intermediate: count,
  queryHeads: count,
  kvHeads: count,
  headDim: v.picklist(HEAD_DIMS),
  vocab: count,
  maxPositionTokens: count,
  /** The output layer shares the embedding's weights. */
  tiedEmbeddings: v.boolean(),
  /** `gated`: gate, up and down; `plain`: up and down. */
  mlp: v.picklist(['gated', 'plain']),
  /** `layer` norms have a bias beside the weight. */
  norm: v.picklist(['rms', 'layer']),
  /** A norm over each query and key head. */
  qkNorm: v.boolean(),
  attentionBias: v.picklist(['none', 'qkv', 'all']),
  mlpBias: v.boolean(),
  /** Rows of a learned position embedding; 0 with rotary positions. */
  positionRows: v.pipe(v.number(), v.integer(), v.minValue(0)),
  source: v.pipe(v.string(), v.minLength(10)),
});
export type ModelRecord = v.InferOutput<typeof ModelRecord>;

/** Ordered by parameters. */
export const MODELS: readonly ModelRecord[] = v.parse(v.array(ModelRecord), rows);

const index = new NameIndex(MODELS, modelKey);

/** A model of this table by id, name or alias, in any case. */
export function findModel(name: string): ModelRecord | undefined {
  return index.find(name);
}

export function modelNames(): string[] {
  return MODELS.map(({ name }) => name);
}

/** What a scenario needs of a model. */
export function shapeOf({ name, layers, queryHeads, kvHeads, headDim }: ModelRecord): ModelShape {
  return { name, layers, queryHeads, kvHeads, headDim };
}

/** The scenario shape of a known model, or undefined. */
export function modelShape(name: string): ModelShape | undefined {
  const record = findModel(name);
  return record && shapeOf(record);
}
