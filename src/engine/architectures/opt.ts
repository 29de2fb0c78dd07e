/**
 * OPT: learned positions from row 2 of their table on, LayerNorm before attention and MLP, ReLU, biases.
 *
 * Left out, and refused: OPT-350m, whose norms come after (post-norm) and whose embedding is narrower than its layers
 * (arXiv:2205.01068; transformers, `modeling_opt.py`, Apache-2.0).
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

const Opt = v.object({
  hidden_size: FIELDS.hidden,
  ffn_dim: FIELDS.intermediate,
  num_hidden_layers: FIELDS.layers,
  num_attention_heads: FIELDS.heads,
  max_position_embeddings: v.optional(FIELDS.positions, 2048),
  vocab_size: FIELDS.vocab,
  word_embed_proj_dim: v.nullish(FIELDS.hidden),
  do_layer_norm_before: FIELDS.flag,
  _remove_final_layer_norm: FIELDS.flag,
  layer_norm_elementwise_affine: FIELDS.flag,
  enable_bias: FIELDS.flag,
  activation_function: v.optional(FIELDS.activation, 'relu'),
  tie_word_embeddings: FIELDS.flag,
  bos_token_id: FIELDS.token,
  eos_token_id: FIELDS.tokens,
});
type Opt = v.InferOutput<typeof Opt>;

/** transformers builds OPT's norms with PyTorch's default. */
const EPSILON = 1e-5;
/** Rows of the position table before that of position 0. */
const OFFSET = 2;

function refuseVariants(name: string, read: Opt): void {
  const { word_embed_proj_dim: width, hidden_size: hidden } = read;
  if (read.do_layer_norm_before === false) {
    throw unsupported(
      name,
      'norms after attention and MLP (do_layer_norm_before: false, as OPT-350m) are missing here',
    );
  }
  if (width !== null && width !== undefined && width !== hidden) {
    throw unsupported(name, `an embedding of width ${width} projected to ${hidden} is missing here`);
  }
  if (read._remove_final_layer_norm === true) {
    throw unsupported(name, 'a model without a final norm (_remove_final_layer_norm) is missing here');
  }
  if (read.layer_norm_elementwise_affine === false) {
    throw unsupported(name, 'norms without weights (layer_norm_elementwise_affine: false) are missing here');
  }
}

const ROOTS: TensorNames = ['model.decoder.', 'decoder.'];

function layerPlan(config: ModelConfig, layer: number): LayerPlan {
  const { hidden, intermediate, biases } = config;
  const of = (name: string) => under(ROOTS, `layers.${layer}.${name}`);
  const at = (name: string) => `layers.${layer}.${name}`;
  const linear = (
    name: string,
    columns: number,
    projections: readonly string[],
    rows: number,
    biased: boolean,
    headColumns: number | null = null,
  ) =>
    matrix(
      at(name),
      columns,
      projections.map((projection) => part(ended(of(projection), '.weight'), rows)),
      biased
        ? vector(
            at(`${name}.bias`),
            projections.map((projection) => [ended(of(projection), '.bias'), rows]),
          )
        : null,
      headColumns,
    );
  const projections = ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'];
  return {
    attentionNorm: norm(at('attentionNorm'), of('self_attn_layer_norm'), hidden, true),
    qkv: linear('qkv', hidden, projections, hidden, biases.qkv),
    queryNorm: null,
    keyNorm: null,
    output: linear('output', hidden, ['self_attn.out_proj'], hidden, biases.output, config.headDim),
    mlpNorm: norm(at('mlpNorm'), of('final_layer_norm'), hidden, true),
    up: linear('up', hidden, ['fc1'], intermediate, biases.mlp),
    down: linear('down', intermediate, ['fc2'], hidden, biases.mlp),
  };
}

function plan(config: ModelConfig): ModelPlan {
  const { vocab, hidden, maxPositionTokens } = config;
  const embedding = under(ROOTS, 'embed_tokens.weight');
  const head: TensorNames = ['lm_head.weight'];
  const tied: TensorNames = [...embedding, ...head];
  const positions = under(ROOTS, 'embed_positions.weight');
  return {
    embedding: matrix('embedding', hidden, [part(config.tiedEmbeddings ? tied : embedding, vocab)]),
    positions: matrix('positions', hidden, [part(positions, maxPositionTokens + OFFSET)]),
    layers: Array.from({ length: config.layers }, (_, layer) => layerPlan(config, layer)),
    finalNorm: norm('finalNorm', under(ROOTS, 'final_layer_norm'), hidden, true),
    head: matrix('head', hidden, [part(config.tiedEmbeddings ? tied : head, vocab)]),
  };
}

export const OPT: Architecture = {
  family: 'opt',
  title: 'OPT, but OPT-350m',
  read: (json, name) => {
    const read = fitting(name, Opt, json);
    refuseVariants(name, read);
    const biased = read.enable_bias ?? true;
    return checked({
      family: 'opt',
      name,
      layers: read.num_hidden_layers,
      hidden: read.hidden_size,
      intermediate: read.ffn_dim,
      queryHeads: read.num_attention_heads,
      kvHeads: read.num_attention_heads,
      headDim: headDimOf(name, read.hidden_size, read.num_attention_heads, null),
      vocab: read.vocab_size,
      maxPositionTokens: read.max_position_embeddings,
      norm: { kind: 'layer', epsilon: EPSILON },
      positions: { kind: 'learned', offset: OFFSET },
      activation: activationOf(name, read.activation_function),
      gated: false,
      parallelBlock: false,
      qkNorm: false,
      biases: { qkv: biased, output: biased, mlp: biased, head: false },
      tiedEmbeddings: read.tie_word_embeddings ?? true,
      windowTokens: 0,
      bosToken: read.bos_token_id ?? null,
      eosTokens: tokenList(read.eos_token_id),
    });
  },
  plan,
};
