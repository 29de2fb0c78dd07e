/** Qwen2 and Qwen2.5: Llama's shape with biases on queries, keys and values. */
import * as v from 'valibot';
import type { JsonObject } from '../../core/json.ts';
import { fitting } from '../files/json-file.ts';
import { FIELDS, unsupported, type Architecture } from './architecture.ts';
import { llamaShapedPlan, readLlamaShaped } from './llama-shaped.ts';

const Window = v.object({
  num_hidden_layers: FIELDS.layers,
  sliding_window: FIELDS.window,
  use_sliding_window: FIELDS.flag,
  max_window_layers: FIELDS.window,
  layer_types: v.nullish(v.pipe(v.array(v.pipe(v.string(), v.maxLength(64))), v.maxLength(512))),
});

/**
 * The window of all layers. Layers from `max_window_layers` on have it where `use_sliding_window` says so; this engine
 * has one window for the whole model, so a mixture is refused.
 * @throws ModelError `unsupported`
 */
export function qwenWindow(json: JsonObject, name: string): number {
  const read = fitting(name, Window, json);
  const layers = read.num_hidden_layers;
  const window = read.sliding_window ?? 0;
  if (read.use_sliding_window !== true || window === 0) return 0;
  const full = read.layer_types
    ? read.layer_types.filter((type) => type === 'full_attention').length
    : Math.min(layers, read.max_window_layers ?? layers);
  if (full >= layers) return 0;
  if (full === 0) return window;
  throw unsupported(
    name,
    `a window in ${layers - full} of its ${layers} layers is missing here, only all or none`,
  );
}

export const QWEN2: Architecture = {
  family: 'qwen2',
  title: 'Qwen2 and Qwen2.5',
  read: (json, name) =>
    readLlamaShaped('qwen2', json, name, { biases: { qkv: true }, windowTokens: qwenWindow(json, name) }),
  plan: llamaShapedPlan,
};
