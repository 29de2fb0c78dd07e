/**
 * Which kind of layer stands where: one word a layer, from whichever field a config.json has for it.
 *
 * Boundary: words. What a word means in numbers is in mixers.ts.
 */
import type { Json } from '../../json.ts';
import { ALL_SLIDING, FULL_EVERY } from './families.ts';
import { ConfigRefusal, type Fields } from './fields.ts';

export interface Shape {
  readonly type: string;
  readonly layers: number;
  readonly hidden: number;
  readonly positions: number;
}

/** A file's word for a layer. */
export type LayerWord = 'full' | 'sliding' | 'chunked' | 'linear' | 'mamba' | 'none';

const WORDS: Readonly<Record<string, LayerWord>> = {
  full_attention: 'full',
  attention: 'full',
  full: 'full',
  global: 'full',
  global_attention: 'full',
  sliding_attention: 'sliding',
  sliding: 'sliding',
  local: 'sliding',
  sliding_window: 'sliding',
  chunked_attention: 'chunked',
  linear_attention: 'linear',
  mamba: 'mamba',
  mamba2: 'mamba',
};

function wordOf(entry: Json): LayerWord {
  const word = typeof entry === 'string' ? WORDS[entry] : undefined;
  if (word === undefined) {
    throw new ConfigRefusal(
      `layer_types has ${typeof entry === 'string' ? `“${entry.slice(0, 40)}”` : typeof entry}, a kind of layer that is not known here (known: ${Object.keys(WORDS).slice(0, 4).join(', ')}, mamba)`,
    );
  }
  return word;
}

function every(layers: number, n: number, at: LayerWord, otherwise: LayerWord): LayerWord[] {
  return Array.from({ length: layers }, (_, i) => ((i + 1) % n === 0 ? at : otherwise));
}

/** One word a layer, from whichever field the file has for it. */
export function layerWords(fields: Fields, { type, layers, positions }: Shape): LayerWord[] {
  const types = fields.list('layer_types', layers);
  if (types !== null) return types.map(wordOf);
  const pattern = fields.list('hybrid_layer_pattern', layers);
  if (pattern !== null) return pattern.map((entry) => (entry === 1 ? 'sliding' : 'full'));
  const kda = fields.list('linear_attn_config.full_attn_layers', null);
  if (kda !== null)
    return Array.from({ length: layers }, (_, i) => (kda.includes(i + 1) ? 'full' : 'linear'));
  const indices = fields.list('attn_layer_indices', null);
  if (indices !== null)
    return Array.from({ length: layers }, (_, i) => (indices.includes(i) ? 'full' : 'mamba'));
  // MiniMax: 1 is attention, 0 lightning attention.
  if (fields.list('attn_type_list', layers)?.some((entry) => entry !== 1) === true)
    throw new ConfigRefusal('attn_type_list has layers of lightning attention, which are not known here');
  const interval = fields.optional(['full_attention_interval']);
  if (interval !== null) return every(layers, interval, 'full', 'linear');
  if (fields.has('attention_chunk_size') && type.startsWith('llama4')) {
    return every(layers, fields.optional(['no_rope_layer_interval']) ?? 4, 'full', 'chunked');
  }
  return windowWords(fields, { type, layers, positions });
}

/** Layers of a file that has a window at most: all of them, every n-th without it, or those after the first. */
function windowWords(fields: Fields, { type, layers, positions }: Omit<Shape, 'hidden'>): LayerWord[] {
  const window = fields.optional(['sliding_window'], 0) ?? 0;
  const windowed = window > 0 && window < positions && fields.flag('use_sliding_window') !== false;
  if (!windowed) return every(layers, 1, 'full', 'full');
  // EXAONE 4 spells its pattern: LLLG.
  const letters = fields.text('sliding_window_pattern');
  if (letters !== null && /^[LG]+$/.test(letters))
    return Array.from({ length: layers }, (_, i) =>
      letters[i % letters.length] === 'G' ? 'full' : 'sliding',
    );
  const fullEvery =
    fields.optional(['sliding_window_pattern', '_sliding_window_pattern']) ?? FULL_EVERY[type];
  if (fullEvery !== undefined) return every(layers, fullEvery, 'full', 'sliding');
  if (fields.flag('use_sliding_window') === true) {
    const first = fields.orZero('max_window_layers');
    return Array.from({ length: layers }, (_, i) => (i < first ? 'full' : 'sliding'));
  }
  return every(layers, 1, ALL_SLIDING.has(type) ? 'sliding' : 'full', 'full');
}
