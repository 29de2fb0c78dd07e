/**
 * Phi-1, Phi-1.5 and Phi-2: attention and MLP side by side behind one LayerNorm, RoPE on the leading channels of a head,
 * GELU, biases everywhere, the output head's among them (transformers, `modeling_phi.py`, Apache-2.0).
 */
import * as v from 'valibot';
import type { ModelConfig } from '../config.ts';
import { fitting } from '../files/json-file.ts';
import {
  activationOf,
  checked,
  FIELDS,
  headDimOf,
  tokenList,
  unsupported,
  type Architecture,
} from './architecture.ts';
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

const Phi = v.object({
  hidden_size: FIELDS.hidden,
  intermediate_size: FIELDS.intermediate,
  num_hidden_layers: FIELDS.layers,
  num_attention_heads: FIELDS.heads,
  num_key_value_heads: v.nullish(FIELDS.heads),
  max_position_embeddings: v.optional(FIELDS.positions, 2048),
  vocab_size: FIELDS.vocab,
  layer_norm_eps: v.optional(FIELDS.epsilon, 1e-5),
  hidden_act: v.optional(FIELDS.activation, 'gelu_new'),
  qk_layernorm: FIELDS.flag,
  tie_word_embeddings: FIELDS.flag,
  bos_token_id: FIELDS.token,
  eos_token_id: FIELDS.tokens,
  ...ROPE_FIELDS,
});

const ROOTS: TensorNames = ['model.', ''];

function layerPlan(config: ModelConfig, layer: number): LayerPlan {
  const { hidden, intermediate, queryHeads, kvHeads, headDim } = config;
  const of = (name: string) => under(ROOTS, `layers.${layer}.${name}`);
  const at = (name: string) => `layers.${layer}.${name}`;
  const linear = (
    name: string,
    columns: number,
    projections: readonly (readonly [string, number])[],
    headColumns: number | null = null,
  ) =>
    matrix(
      at(name),
      columns,
      projections.map(([projection, rows]) => part(ended(of(projection), '.weight'), rows)),
      vector(
        at(`${name}.bias`),
        projections.map(([projection, rows]) => [ended(of(projection), '.bias'), rows]),
      ),
      headColumns,
    );
  return {
    attentionNorm: norm(at('attentionNorm'), of('input_layernorm'), hidden, true),
    qkv: linear('qkv', hidden, [
      ['self_attn.q_proj', queryHeads * headDim],
      ['self_attn.k_proj', kvHeads * headDim],
      ['self_attn.v_proj', kvHeads * headDim],
    ]),
    queryNorm: null,
    keyNorm: null,
    output: linear('output', queryHeads * headDim, [['self_attn.dense', hidden]], headDim),
    mlpNorm: null,
    up: linear('up', hidden, [['mlp.fc1', intermediate]]),
    down: linear('down', intermediate, [['mlp.fc2', hidden]]),
  };
}

function plan(config: ModelConfig): ModelPlan {
  const { vocab, hidden, tiedEmbeddings } = config;
  const embedding = under(ROOTS, 'embed_tokens.weight');
  const head: TensorNames = ['lm_head.weight'];
  const tied: TensorNames = [...embedding, ...head];
  return {
    embedding: matrix('embedding', hidden, [part(tiedEmbeddings ? tied : embedding, vocab)]),
    positions: null,
    layers: Array.from({ length: config.layers }, (_, layer) => layerPlan(config, layer)),
    finalNorm: norm('finalNorm', under(ROOTS, 'final_layernorm'), hidden, true),
    head: matrix(
      'head',
      hidden,
      [part(tiedEmbeddings ? tied : head, vocab)],
      vector('head.bias', [[['lm_head.bias'], vocab]]),
    ),
  };
}

export const PHI: Architecture = {
  family: 'phi',
  title: 'Phi-1, Phi-1.5 and Phi-2',
  read: (json, name) => {
    const read = fitting(name, Phi, json);
    if (read.qk_layernorm === true) {
      throw unsupported(name, 'LayerNorm over queries and keys (qk_layernorm) is missing here');
    }
    const queryHeads = read.num_attention_heads;
    const headDim = headDimOf(name, read.hidden_size, queryHeads, null);
    const rope = readRope(name, read, read.max_position_embeddings);
    return checked({
      family: 'phi',
      name,
      layers: read.num_hidden_layers,
      hidden: read.hidden_size,
      intermediate: read.intermediate_size,
      queryHeads,
      kvHeads: read.num_key_value_heads ?? queryHeads,
      headDim,
      vocab: read.vocab_size,
      maxPositionTokens: read.max_position_embeddings,
      norm: { kind: 'layer', epsilon: read.layer_norm_eps },
      positions: {
        kind: 'rope',
        theta: rope.theta,
        layout: 'half',
        rotaryDim: Math.trunc(headDim * (rope.partial ?? 0.5)),
        scaling: rope.scaling,
      },
      activation: activationOf(name, read.hidden_act),
      gated: false,
      parallelBlock: true,
      qkNorm: false,
      biases: { qkv: true, output: true, mlp: true, head: true },
      tiedEmbeddings: read.tie_word_embeddings ?? false,
      windowTokens: 0,
      bosToken: read.bos_token_id ?? null,
      eosTokens: tokenList(read.eos_token_id),
    });
  },
  plan,
};
