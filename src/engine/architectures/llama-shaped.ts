/**
 * What the families share that are shaped like Llama: RMS norm, RoPE on whole heads in the half-split layout, a gated MLP,
 * grouped queries; names of fields and tensors as in transformers (`modeling_llama.py`, Apache-2.0).
 */
import * as v from 'valibot';
import type { JsonObject } from '../../core/json.ts';
import type { ModelConfig, ModelFamily } from '../config.ts';
import { fitting } from '../files/json-file.ts';
import { activationOf, checked, FIELDS, headDimOf, tokenList } from './architecture.ts';
import {
  ended,
  matrix,
  norm,
  part,
  under,
  vector,
  type LayerPlan,
  type ModelPlan,
  type TensorNames,
} from './plan.ts';
import { readRope, ROPE_FIELDS } from './rope.ts';

const LlamaShaped = v.object({
  hidden_size: FIELDS.hidden,
  intermediate_size: FIELDS.intermediate,
  num_hidden_layers: FIELDS.layers,
  num_attention_heads: FIELDS.heads,
  num_key_value_heads: v.nullish(FIELDS.heads),
  head_dim: FIELDS.headDim,
  vocab_size: FIELDS.vocab,
  max_position_embeddings: v.optional(FIELDS.positions, 2048),
  rms_norm_eps: v.optional(FIELDS.epsilon, 1e-6),
  hidden_act: v.optional(FIELDS.activation, 'silu'),
  tie_word_embeddings: FIELDS.flag,
  bos_token_id: FIELDS.token,
  eos_token_id: FIELDS.tokens,
  ...ROPE_FIELDS,
});

/** What differs between the families. */
export interface Differences {
  readonly biases?: Partial<ModelConfig['biases']>;
  readonly qkNorm?: boolean;
  readonly windowTokens?: number;
}

/** @throws ModelError */
export function readLlamaShaped(
  family: ModelFamily,
  json: JsonObject,
  name: string,
  differences: Differences,
): ModelConfig {
  const read = fitting(name, LlamaShaped, json);
  const queryHeads = read.num_attention_heads;
  const headDim = headDimOf(name, read.hidden_size, queryHeads, read.head_dim);
  const rope = readRope(name, read, read.max_position_embeddings);
  return checked({
    family,
    name,
    layers: read.num_hidden_layers,
    hidden: read.hidden_size,
    intermediate: read.intermediate_size,
    queryHeads,
    kvHeads: read.num_key_value_heads ?? queryHeads,
    headDim,
    vocab: read.vocab_size,
    maxPositionTokens: read.max_position_embeddings,
    norm: { kind: 'rms', epsilon: read.rms_norm_eps },
    positions: {
      kind: 'rope',
      theta: rope.theta,
      layout: 'half',
      rotaryDim: Math.trunc(headDim * (rope.partial ?? 1)),
      scaling: rope.scaling,
    },
    activation: activationOf(name, read.hidden_act),
    gated: true,
    parallelBlock: false,
    qkNorm: differences.qkNorm ?? false,
    biases: { qkv: false, output: false, mlp: false, head: false, ...differences.biases },
    tiedEmbeddings: read.tie_word_embeddings ?? false,
    windowTokens: differences.windowTokens ?? 0,
    bosToken: read.bos_token_id ?? null,
    eosTokens: tokenList(read.eos_token_id),
  });
}

const ROOTS: TensorNames = ['model.', ''];

export function llamaShapedPlan(config: ModelConfig): ModelPlan {
  const { vocab, hidden } = config;
  const embedding = under(ROOTS, 'embed_tokens.weight');
  const head: TensorNames = ['lm_head.weight'];
  // A file may keep the one table of a tied pair under either name.
  const tied: TensorNames = [...embedding, ...head];
  return {
    embedding: matrix('embedding', hidden, [part(config.tiedEmbeddings ? tied : embedding, vocab)]),
    positions: null,
    layers: Array.from({ length: config.layers }, (_, layer) => layerPlan(config, layer)),
    finalNorm: norm('finalNorm', under(ROOTS, 'norm'), hidden, false),
    head: matrix('head', hidden, [part(config.tiedEmbeddings ? tied : head, vocab)]),
  };
}

function layerPlan(config: ModelConfig, layer: number): LayerPlan {
  const { hidden, intermediate, queryHeads, kvHeads, headDim, biases, qkNorm } = config;
  const of = (name: string) => under(ROOTS, `layers.${layer}.${name}`);
  const at = (name: string) => `layers.${layer}.${name}`;
  /** Projections under one another: their weights, and their biases where there are any. */
  const linear = (
    name: string,
    columns: number,
    projections: readonly (readonly [string, number])[],
    biased: boolean,
    headColumns: number | null = null,
  ) =>
    matrix(
      at(name),
      columns,
      projections.map(([projection, rows]) => part(ended(of(projection), '.weight'), rows)),
      biased
        ? vector(
            at(`${name}.bias`),
            projections.map(([projection, rows]) => [ended(of(projection), '.bias'), rows]),
          )
        : null,
      headColumns,
    );
  const headNorm = (name: string) =>
    qkNorm ? vector(at(name), [[of(`self_attn.${name}.weight`), headDim]]) : null;
  return {
    attentionNorm: norm(at('attentionNorm'), of('input_layernorm'), hidden, false),
    qkv: linear(
      'qkv',
      hidden,
      [
        ['self_attn.q_proj', queryHeads * headDim],
        ['self_attn.k_proj', kvHeads * headDim],
        ['self_attn.v_proj', kvHeads * headDim],
      ],
      biases.qkv,
    ),
    queryNorm: headNorm('q_norm'),
    keyNorm: headNorm('k_norm'),
    output: linear('output', queryHeads * headDim, [['self_attn.o_proj', hidden]], biases.output, headDim),
    mlpNorm: norm(at('mlpNorm'), of('post_attention_layernorm'), hidden, false),
    up: linear(
      'up',
      hidden,
      [
        ['mlp.gate_proj', intermediate],
        ['mlp.up_proj', intermediate],
      ],
      biases.mlp,
    ),
    down: linear('down', intermediate, [['mlp.down_proj', hidden]], biases.mlp),
  };
}
