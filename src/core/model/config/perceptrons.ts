/** The perceptron of each layer of a config.json: gated, plain, or experts, and which layers have which. */
import type { Json } from '../../json.ts';
import type { Experts, Perceptron } from '../architecture.ts';
import { BOTH_HALVES, FOUR_TIMES, PLAIN_MLP } from './families.ts';
import { ConfigRefusal, type Fields } from './fields.ts';
import type { Shape } from './layer-words.ts';

const WIDTHS = [
  'intermediate_size',
  'n_inner',
  'ffn_dim',
  'ffn_hidden_size',
  'ffn_config.ffn_hidden_size',
  'd_inner',
];
/** Of dense layers in a mixture, where the experts have the usual name. */
const DENSE_WIDTHS = ['dense_intermediate_size', 'intermediate_size_mlp'];

const EXPERTS = [
  'num_local_experts',
  'n_routed_experts',
  'num_experts',
  'moe_num_experts',
  'ffn_config.moe_num_experts',
];
const ACTIVE = [
  'num_experts_per_tok',
  'num_experts_per_token',
  'moe_k',
  'moe_topk',
  'moe_top_k',
  'top_k_experts',
  'num_selected_experts',
  'experts_per_token',
  'ffn_config.moe_top_k',
];
const SHARED = [
  'shared_expert_intermediate_size',
  'moe_shared_expert_intermediate_size',
  'shared_intermediate_size',
  'share_expert_dim',
];

function isPlain(fields: Fields, type: string): boolean {
  // relu² is used without a gate (Nemotron).
  return PLAIN_MLP.has(type) || fields.text('mlp_hidden_act') === 'relu2';
}

export function denseMlp(fields: Fields, { type, hidden }: Shape): Perceptron {
  const own = fields.optional([...DENSE_WIDTHS, ...WIDTHS]);
  if (own === null && !FOUR_TIMES.has(type)) throw new ConfigRefusal(fields.missing(WIDTHS));
  const named = own ?? 4 * hidden;
  const intermediate = BOTH_HALVES.has(type) ? named / 2 : named;
  return { kind: isPlain(fields, type) ? 'plain' : 'gated', intermediate };
}

function sharedWidth(fields: Fields, type: string, width: number): number {
  // Gemma 4 runs its dense perceptron beside the experts; Llama 4 always has one shared expert.
  if (fields.flag('enable_moe_block') === true) return fields.count('intermediate_size');
  if (type.startsWith('llama4')) return fields.count('intermediate_size');
  const own = fields.optional(SHARED, 0);
  if (own !== null) return own;
  return fields.orZero('n_shared_experts', 'num_shared_experts', 'moe_num_shared_experts') * width;
}

export function expertsMlp(fields: Fields, { type }: Shape): Experts {
  const experts = fields.count(...EXPERTS);
  const activeExperts = fields.count(...ACTIVE);
  if (activeExperts > experts) {
    throw new ConfigRefusal(
      `num_experts_per_tok is ${activeExperts}, more than the ${experts} experts there are`,
    );
  }
  const intermediate = fields.count('moe_intermediate_size', 'expert_intermediate_size', ...WIDTHS);
  const expertHidden = fields.optional(['moe_latent_size', 'routed_expert_hidden_size']);
  return {
    kind: 'experts',
    experts,
    activeExperts,
    intermediate,
    sharedIntermediate: sharedWidth(fields, type, intermediate),
    ...(isPlain(fields, type) ? { plain: true } : {}),
    ...(expertHidden === null ? {} : { expertHidden }),
  };
}

function truthy(entry: Json): boolean {
  return entry === 1 || entry === true || entry === 'sparse' || entry === 'moe';
}

/** Which layers are mixtures. */
function mixtureLayers(fields: Fields, { type, layers }: Shape): boolean[] {
  const all = Array.from({ length: layers }, (_, i) => i);
  const listed = fields.list('mlp_layer_types', layers) ?? fields.list('moe_layer_freq', layers);
  if (listed !== null) return listed.map(truthy);
  if (type.startsWith('llama4')) {
    const step = fields.optional(['interleave_moe_layer_step']) ?? 1;
    return all.map((i) => (i + 1) % step === 0);
  }
  const first = fields.orZero('first_k_dense_replace', 'moe_layer_start_index');
  const freq = fields.optional(['moe_layer_freq', 'decoder_sparse_step', 'moe_layer_interval']) ?? 1;
  const dense = fields.list('mlp_only_layers', null) ?? [];
  // DeepSeek counts from layer 0, Qwen from layer 1.
  const offset = fields.has('decoder_sparse_step') ? 1 : 0;
  return all.map((i) => i >= first && (i + offset) % freq === 0 && !dense.includes(i));
}

function hasExperts(fields: Fields): boolean {
  return fields.flag('enable_moe_block') !== false && (fields.optional(EXPERTS, 0) ?? 0) > 0;
}

/** One perceptron a layer. */
export function perceptronsOf(fields: Fields, shape: Shape): readonly Perceptron[] {
  const { layers } = shape;
  if (!hasExperts(fields)) {
    const dense = denseMlp(fields, shape);
    return Array.from({ length: layers }, () => dense);
  }
  const experts = expertsMlp(fields, shape);
  const mixture = mixtureLayers(fields, shape);
  const dense = mixture.every(Boolean) ? experts : denseMlp(fields, shape);
  return mixture.map((is) => (is ? experts : dense));
}
