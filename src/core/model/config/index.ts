/**
 * Any model's `config.json` as an architecture: pasted, dropped, or fetched from a repository.
 *
 * Read by its fields, under any of the names they have, and by the habits of its `model_type` where a file leaves something
 * to its class (families.ts). A file that misses a field, has an impossible number, or has layers that are not known here
 * is refused with that field, a `model_type` that is not known (known.ts) by its name; nothing is guessed. Left out: heads that predict several tokens, indexers of sparse
 * attention, biases (less than a thousandth of the parameters).
 *
 * Sources: configuration classes of huggingface/transformers; vLLM's transformers_utils/configs for the newest ones.
 */
import * as v from 'valibot';
import { checkJson, isJsonObject, readJson, type Json, type JsonObject, type Read } from '../../json.ts';
import { Architecture, type LayerKind } from '../architecture.ts';
import { alternating, searched, type Layer } from './blocks.ts';
import { HEAD_NORMS, NOT_DECODERS, NOT_READ, POSITIONS, TEXT_DEFAULTS, TIED } from './families.ts';
import { ConfigRefusal, Fields } from './fields.ts';
import { isKnownType, unknownTypeSentence, type ReadAs } from './known.ts';
import type { Shape } from './layer-words.ts';
import { mixersOf } from './mixers.ts';
import { perceptronsOf } from './perceptrons.ts';
import { releasedOf } from './released.ts';
import { encoderOf } from './vision.ts';

export const CONFIG_BOUNDS = {
  what: 'config.json',
  maxCharacters: 2_000_000,
  maxDepth: 16,
  maxValues: 100_000,
} as const;

/** How a file is read. */
export interface ConfigOptions {
  /** What a model_type that is not known here is read as; left out: it is refused. */
  readonly as?: ReadAs | undefined;
}

/** What is read where nothing but the type is in the way. */
export type ReadArchitecture =
  | { readonly ok: true; readonly value: Architecture }
  | { readonly ok: false; readonly sentence: string; readonly unknownType?: string };

class UnknownType extends Error {
  readonly type: string;
  constructor(type: string) {
    super(unknownTypeSentence(type));
    this.type = type;
  }
}

/** Deepest network that is taken. */
const MOST_LAYERS = 1000;

const INNER = [
  'text_config',
  'llm_config',
  'language_config',
  'thinker_config.text_config',
  'language_model',
];

/** The language model's fields: its own object where there are several models, else the file. */
function textFields(config: JsonObject): Fields {
  const top = new Fields(config);
  for (const name of INNER) {
    const inner = top.object(name);
    if (inner === null) continue;
    const type = typeof inner['model_type'] === 'string' ? inner['model_type'] : '';
    return new Fields(inner, name, { ...TEXT_DEFAULTS[type], ...own(config) });
  }
  return top;
}

/** What a file says at its top about the model inside. */
function own(config: JsonObject): JsonObject {
  const { tie_word_embeddings, quantization_config } = config;
  return { tie_word_embeddings, quantization_config };
}

function refuseStrangers(top: Fields, fields: Fields, type: string): void {
  if (NOT_DECODERS.test(type) || top.flag('is_encoder_decoder') === true) {
    throw new ConfigRefusal(`model_type is “${type.slice(0, 40)}”; only decoders of text can be planned`);
  }
  for (const [field, what] of NOT_READ) {
    if (fields.has(field)) throw new ConfigRefusal(`${field} means ${what}, which are not known here`);
  }
  if (fields.orZero('hidden_size_per_layer_input') > 0) {
    throw new ConfigRefusal(
      'hidden_size_per_layer_input means embeddings of each layer, which are not counted here',
    );
  }
}

function shapeOf(fields: Fields, type: string): Shape {
  const words = fields.text('hybrid_override_pattern') ?? fields.list('layers_block_type', null);
  const layers =
    fields.optional(['num_hidden_layers', 'n_layer', 'num_layers', 'n_layers']) ?? words?.length ?? null;
  if (layers === null)
    throw new ConfigRefusal(fields.missing(['num_hidden_layers', 'n_layer', 'num_layers']));
  if (layers > MOST_LAYERS) {
    throw new ConfigRefusal(`num_hidden_layers is ${layers}; the most is ${MOST_LAYERS}`);
  }
  const positions = [
    'max_position_embeddings',
    'n_positions',
    'n_ctx',
    'seq_length',
    'max_seq_len',
    'max_sequence_length',
  ];
  const known = fields.optional(positions) ?? POSITIONS[type] ?? null;
  if (known === null) throw new ConfigRefusal(fields.missing(positions));
  return {
    type,
    layers,
    hidden: fields.count('hidden_size', 'n_embd', 'd_model', 'dim', 'n_embed'),
    positions: known,
  };
}

/** Layers that are alike, counted, in the order in which they first come. */
function grouped(layers: readonly Layer[]): LayerKind[] {
  const kinds = new Map<string, { layers: number } & Layer>();
  for (const layer of layers) {
    const key = JSON.stringify(layer);
    const kind = kinds.get(key);
    if (kind) kind.layers += 1;
    else kinds.set(key, { layers: 1, ...layer });
  }
  return [...kinds.values()];
}

function layersOf(fields: Fields, shape: Shape): readonly Layer[] {
  const written = searched(fields, shape) ?? alternating(fields, shape);
  if (written !== null) return written;
  const mlps = perceptronsOf(fields, shape);
  return mixersOf(fields, shape).map((mixer, i) => ({ mixer, mlp: mlps[i] ?? { kind: 'none' } }));
}

/** `Qwen/Qwen3-8B` is called Qwen3-8B and has the id qwen3-8b. */
function namesOf(name: string): { readonly id: string; readonly name: string } {
  const last = name.trim().split('/').filter(Boolean).at(-1) ?? '';
  const short = last.replace(/\.json$/i, '').slice(0, 100) || 'custom model';
  const id = short
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return { id: id || 'custom', name: short };
}

function typeOf(top: Fields, fields: Fields): string {
  return fields.text('model_type') ?? top.text('model_type') ?? '';
}

function read(config: JsonObject, name: string, as: ReadAs | null): Architecture {
  const top = new Fields(config);
  const fields = textFields(config);
  const type = typeOf(top, fields);
  refuseStrangers(top, fields, type);
  const shape = shapeOf(fields, type);
  const encoder = encoderOf(top, shape.hidden);
  const released = releasedOf(fields);
  const tied = fields.flag('tie_word_embeddings') ?? TIED.has(type);
  const norms = fields.flag('use_qk_norm', 'qk_layernorm') ?? HEAD_NORMS.test(type);
  const vocab = fields.count('vocab_size', 'padded_vocab_size');
  const kinds = grouped(layersOf(fields, shape));
  // Last, so that a file that misses a field hears of the field.
  if (as === null && !isKnownType(type)) throw new UnknownType(type);
  return {
    ...namesOf(name),
    hidden: shape.hidden,
    vocab,
    maxPositionTokens: shape.positions,
    tiedEmbeddings: tied,
    qkNorm: norms,
    kinds,
    ...(encoder ? { encoder } : {}),
    ...(released ? { released } : {}),
    source: `config.json of ${name.slice(0, 120) || 'a model'}, model_type ${type.slice(0, 40) || 'not given'}${isKnownType(type) ? '' : ', read as llama'}`,
  };
}

function checked(architecture: Architecture, name: string): Read<Architecture> {
  const parsed = v.safeParse(Architecture, architecture);
  if (parsed.success) return { ok: true, value: parsed.output };
  const [issue] = parsed.issues;
  return refused(name, `${v.getDotPath(issue) ?? 'a field'}: ${issue.message}`);
}

function refused(name: string, why: string): { readonly ok: false; readonly sentence: string } {
  return {
    ok: false,
    sentence: `The config.json of ${name.slice(0, 80) || 'this model'} can’t be read: ${why}.`,
  };
}

/**
 * An architecture from a parsed config.json. A refusal has `unknownType` where all fields read and the type alone stands in
 * the way, so that whoever asks can offer `as`.
 * @param name what the model is called: a repository's name, a file's
 */
export function architectureFromConfig(
  config: Json,
  name: string,
  { as }: ConfigOptions = {},
): ReadArchitecture {
  const bounded = checkJson(config, CONFIG_BOUNDS);
  if (!bounded.ok) return bounded;
  if (!isJsonObject(bounded.value)) return refused(name, 'it is no object');
  try {
    return checked(read(bounded.value, name, as ?? null), name);
  } catch (error) {
    if (error instanceof UnknownType) return { ...refused(name, error.message), unknownType: error.type };
    if (error instanceof ConfigRefusal) return refused(name, error.message);
    throw error;
  }
}

/** Python writes infinities into JSON, which has none: they are limits that nobody here reads. */
const INFINITE = /([[,:]\s*)-?(?:Infinity|NaN)(?=\s*[,\]}])/g;

/** The same from the file's text. */
export function architectureFromText(
  text: string,
  name: string,
  options: ConfigOptions = {},
): ReadArchitecture {
  const read = readJson(
    text.slice(0, CONFIG_BOUNDS.maxCharacters + 1).replace(INFINITE, '$1null'),
    CONFIG_BOUNDS,
  );
  return read.ok ? architectureFromConfig(read.value, name, options) : read;
}
