/**
 * The encoder of images beside a language model, from a config.json's `vision_config`: how many parameters, and how many
 * tokens of KV an image takes.
 *
 * Counted: the transformer, its patch embedding and positions, and what joins it to the model. Left out: encoders of sound,
 * and images cut into tiles (each tile is an image of its own).
 */
import type { Json } from '../../json.ts';
import type { Encoder, ImageTokens } from '../architecture.ts';
import { Fields } from './fields.ts';

interface Tower {
  readonly layers: number;
  readonly hidden: number;
  readonly intermediate: number;
  readonly patch: number;
  readonly merge: number;
}

function towerOf(top: Fields, fields: Fields): Tower {
  // Qwen2-VL calls the width of what leaves the tower hidden_size.
  const hidden = fields.count('embed_dim', 'vt_hidden_size', 'hidden_size');
  const ratio = fields.ratio('mlp_ratio');
  const intermediate =
    fields.optional(['intermediate_size', 'vt_intermediate_size']) ?? Math.round((ratio ?? 4) * hidden);
  const merge =
    fields.optional(['spatial_merge_size']) ??
    // Mistral 3 merges behind the tower.
    top.optional(['spatial_merge_size']) ??
    mergeKernel(fields.list('merge_kernel_size', null));
  return {
    layers: fields.count('num_hidden_layers', 'depth', 'vt_num_hidden_layers', 'num_layers'),
    hidden,
    intermediate,
    patch: fields.count('patch_size', 'spatial_patch_size'),
    merge,
  };
}

function mergeKernel(kernel: readonly Json[] | null): number {
  const [side] = kernel ?? [];
  return typeof side === 'number' && Number.isInteger(side) && side > 0 ? side : 1;
}

/** What joins the tower to the model: a merger of patches, a perceptron (LLaVA), or one matrix (Gemma). */
function joinParameters(
  top: Fields,
  fields: Fields,
  { hidden: width, merge }: Tower,
  hidden: number,
): number {
  if (merge > 1) {
    const joined = width * merge * merge;
    // Qwen3-VL merges again for each of the layers that it takes besides the last.
    const stages = 1 + (fields.list('deepstack_visual_indexes', null)?.length ?? 0);
    return stages * (joined * joined + joined * hidden);
  }
  return width * hidden + (top.has('projector_hidden_act') ? hidden * hidden : 0);
}

/** Perceptrons of two matrices, or of three where the tower gates them (Qwen2.5-VL). */
function parametersOf(top: Fields, fields: Fields, tower: Tower, hidden: number): number {
  const { layers, hidden: width, intermediate, patch } = tower;
  const gated = fields.text('hidden_act', 'hidden_activation') === 'silu';
  const layer = 4 * width * width + (gated ? 3 : 2) * width * intermediate;
  const frames = fields.optional(['temporal_patch_size']) ?? 1;
  const pixels = fields.optional(['in_channels', 'num_channels', 'in_chans']) ?? 3;
  const side = fields.optional(['image_size']);
  const positions =
    fields.optional(['num_position_embeddings', 'position_embedding_size']) ??
    (side === null ? 0 : Math.floor(side / patch) ** 2);
  const embedding = pixels * patch * patch * frames * width + positions * width;
  return layers * layer + embedding + joinParameters(top, fields, tower, hidden);
}

/** Tokens that an image takes: a fixed number, or one for so many pixels. */
function imageTokensOf(top: Fields, fields: Fields, { patch, merge }: Tower, type: string): ImageTokens {
  const fixed =
    top.optional(['vision_soft_tokens_per_image', 'mm_tokens_per_image', 'image_seq_length']) ??
    fields.optional(['default_output_length', 'image_seq_length']);
  if (fixed !== null) return { kind: 'fixed', tokens: fixed };
  const side = fields.optional(['image_size']);
  // Pixtral and Qwen-VL take an image as large as it is; a tower with a size scales to it.
  const native = type === 'pixtral' || side === null;
  if (!native) return { kind: 'fixed', tokens: shuffled(top, Math.floor(side / (patch * merge)) ** 2) };
  return { kind: 'area', pixelsPerToken: (patch * merge) ** 2 };
}

/** InternVL and SmolVLM join patches behind the tower. */
function shuffled(top: Fields, tokens: number): number {
  const side = top.ratio('downsample_ratio') ?? 1 / (top.ratio('scale_factor') ?? 1);
  return Math.max(1, Math.round(tokens * side * side));
}

/** The encoder of a file; undefined where it has none. */
export function encoderOf(top: Fields, hidden: number): Encoder | undefined {
  const vision = top.object('vision_config') ?? top.object('vision_tower_config');
  if (vision === null) return undefined;
  const fields = new Fields(vision, 'vision_config');
  const tower = towerOf(top, fields);
  return {
    layers: tower.layers,
    hidden: tower.hidden,
    intermediate: tower.intermediate,
    parameters: parametersOf(top, fields, tower, hidden),
    imageTokens: imageTokensOf(top, fields, tower, fields.text('model_type') ?? ''),
  };
}
