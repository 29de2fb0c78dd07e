/**
 * GPT-2: learned positions, LayerNorm, GELU, biases everywhere, one matrix for queries, keys and values.
 *
 * Its matrices are Conv1D's, [inputs][outputs] (transformers, `modeling_gpt2.py`, Apache-2.0); reading them turns them.
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

const Gpt2 = v.object({
  n_embd: FIELDS.hidden,
  n_inner: v.nullish(FIELDS.intermediate),
  n_layer: FIELDS.layers,
  n_head: FIELDS.heads,
  n_positions: v.optional(FIELDS.positions, 1024),
  vocab_size: FIELDS.vocab,
  layer_norm_epsilon: v.optional(FIELDS.epsilon, 1e-5),
  activation_function: v.optional(FIELDS.activation, 'gelu_new'),
  scale_attn_weights: FIELDS.flag,
  scale_attn_by_inverse_layer_idx: FIELDS.flag,
  add_cross_attention: FIELDS.flag,
  tie_word_embeddings: FIELDS.flag,
  bos_token_id: FIELDS.token,
  eos_token_id: FIELDS.tokens,
});
type Gpt2 = v.InferOutput<typeof Gpt2>;

function refuseVariants(name: string, read: Gpt2): void {
  if (read.add_cross_attention === true) throw unsupported(name, 'cross-attention is missing here');
  if (read.scale_attn_weights === false) {
    throw unsupported(name, 'attention without its 1/√headDim (scale_attn_weights) is missing here');
  }
  if (read.scale_attn_by_inverse_layer_idx === true) {
    throw unsupported(
      name,
      'attention scaled by the layer (scale_attn_by_inverse_layer_idx) is missing here',
    );
  }
}

const ROOTS: TensorNames = ['transformer.', ''];

function layerPlan(config: ModelConfig, layer: number): LayerPlan {
  const { hidden, intermediate } = config;
  const of = (name: string) => under(ROOTS, `h.${layer}.${name}`);
  const at = (name: string) => `layers.${layer}.${name}`;
  const linear = (
    name: string,
    columns: number,
    tensor: string,
    rows: number,
    headColumns: number | null = null,
  ) =>
    matrix(
      at(name),
      columns,
      [part(of(`${tensor}.weight`), rows, true)],
      vector(at(`${name}.bias`), [[ended(of(tensor), '.bias'), rows]]),
      headColumns,
    );
  return {
    attentionNorm: norm(at('attentionNorm'), of('ln_1'), hidden, true),
    qkv: linear('qkv', hidden, 'attn.c_attn', 3 * hidden),
    queryNorm: null,
    keyNorm: null,
    output: linear('output', hidden, 'attn.c_proj', hidden, config.headDim),
    mlpNorm: norm(at('mlpNorm'), of('ln_2'), hidden, true),
    up: linear('up', hidden, 'mlp.c_fc', intermediate),
    down: linear('down', intermediate, 'mlp.c_proj', hidden),
  };
}

function plan(config: ModelConfig): ModelPlan {
  const { vocab, hidden, maxPositionTokens } = config;
  const embedding = under(ROOTS, 'wte.weight');
  const head: TensorNames = ['lm_head.weight'];
  const tied: TensorNames = [...embedding, ...head];
  return {
    embedding: matrix('embedding', hidden, [part(config.tiedEmbeddings ? tied : embedding, vocab)]),
    positions: matrix('positions', hidden, [part(under(ROOTS, 'wpe.weight'), maxPositionTokens)]),
    layers: Array.from({ length: config.layers }, (_, layer) => layerPlan(config, layer)),
    finalNorm: norm('finalNorm', under(ROOTS, 'ln_f'), hidden, true),
    head: matrix('head', hidden, [part(config.tiedEmbeddings ? tied : head, vocab)]),
  };
}

export const GPT2: Architecture = {
  family: 'gpt2',
  title: 'GPT-2',
  read: (json, name) => {
    const read = fitting(name, Gpt2, json);
    refuseVariants(name, read);
    return checked({
      family: 'gpt2',
      name,
      layers: read.n_layer,
      hidden: read.n_embd,
      intermediate: read.n_inner ?? 4 * read.n_embd,
      queryHeads: read.n_head,
      kvHeads: read.n_head,
      headDim: headDimOf(name, read.n_embd, read.n_head, null),
      vocab: read.vocab_size,
      maxPositionTokens: read.n_positions,
      norm: { kind: 'layer', epsilon: read.layer_norm_epsilon },
      positions: { kind: 'learned', offset: 0 },
      activation: activationOf(name, read.activation_function),
      gated: false,
      parallelBlock: false,
      qkNorm: false,
      biases: { qkv: true, output: true, mlp: true, head: false },
      tiedEmbeddings: read.tie_word_embeddings ?? true,
      windowTokens: 0,
      bosToken: read.bos_token_id ?? null,
      eosTokens: tokenList(read.eos_token_id),
    });
  },
  plan,
};
