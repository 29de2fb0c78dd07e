/**
 * How often a step runs each layer of a profile. Names are those of vLLM's modules.
 *
 *   embedding, then a layer at a time: layernorm, qkv_proj, (qk_norm), rotary_emb, attention, o_proj, layernorm,
 *   gate_up_proj, act_fn, down_proj or, with experts, moe; at last final_layernorm, lm_head, sampler
 *
 * (vllm/model_executor/models/llama.py, qwen3.py, mixtral.py; casys-kaist/LLMServingSim profiler/models)
 *
 * `layernorm` stands for both norms of a layer. A table with a name that is not here is refused: leaving its time out, or
 * guessing how often it runs, would be a wrong answer without a word.
 */
import { type Architecture, layerCount } from '../../core/model/architecture.ts';
import { ProfileError } from './table-files.ts';

/** A step runs it: once; in each layer; twice in each layer; in each layer with a plain perceptron. */
type Times = 'once' | 'layer' | 'twice a layer' | 'perceptron';

const DENSE: Readonly<Record<string, Times>> = {
  embedding: 'once',
  layernorm: 'twice a layer',
  input_layernorm: 'layer',
  post_attention_layernorm: 'layer',
  qkv_proj: 'layer',
  qk_norm: 'layer',
  rotary_emb: 'layer',
  o_proj: 'layer',
  gate_up_proj: 'perceptron',
  act_fn: 'perceptron',
  down_proj: 'perceptron',
  final_layernorm: 'once',
};
const PER_SEQUENCE: Readonly<Record<string, Times>> = { lm_head: 'once', sampler: 'once' };

/** Without these a step would lack most of its time. */
const NEEDED_DENSE = ['qkv_proj', 'o_proj'] as const;
const NEEDED_PERCEPTRON = ['gate_up_proj', 'down_proj'] as const;

export interface LayerTimes {
  readonly dense: ReadonlyMap<string, number>;
  readonly perSequence: ReadonlyMap<string, number>;
  /** Layers with attention. */
  readonly attention: number;
  /** Layers with experts. */
  readonly experts: number;
}

interface Named {
  readonly dense: ReadonlyMap<string, unknown>;
  readonly perSequence: ReadonlyMap<string, unknown>;
  readonly moe: unknown;
}

/** @throws ProfileError for a layer that is not known, or one that the model needs and the profile lacks */
export function layerTimes(model: Architecture, profile: Named): LayerTimes {
  const other = model.kinds.find(({ mixer }) => mixer.kind !== 'full' && mixer.kind !== 'latent');
  if (other) {
    throw new ProfileError(
      'attention.csv',
      0,
      `measures one attention for all layers, but ${model.name} has ${other.mixer.kind} layers; use the roofline.`,
    );
  }
  const layers = layerCount(model);
  const experts = model.kinds.reduce((sum, kind) => sum + (kind.mlp.kind === 'experts' ? kind.layers : 0), 0);
  const count: Readonly<Record<Times, number>> = {
    once: 1,
    layer: layers,
    'twice a layer': 2 * layers,
    perceptron: layers - experts,
  };
  const needed = [...NEEDED_DENSE, ...(experts < layers ? NEEDED_PERCEPTRON : [])];
  const lacking = needed.find((name) => !profile.dense.has(name));
  if (lacking) throw new ProfileError('dense.csv', 0, `has no ${lacking}, which ${model.name} runs.`);
  if (experts > 0 && profile.moe === null) {
    throw new ProfileError('moe.csv', 0, `is missing; ${model.name} has ${experts} layers with experts.`);
  }
  return {
    dense: timesOf('dense.csv', profile.dense, DENSE, count),
    perSequence: timesOf('per_sequence.csv', profile.perSequence, PER_SEQUENCE, count),
    attention: layers,
    experts,
  };
}

function timesOf(
  file: string,
  layers: ReadonlyMap<string, unknown>,
  known: Readonly<Record<string, Times>>,
  count: Readonly<Record<Times, number>>,
): Map<string, number> {
  return new Map(
    [...layers.keys()].map((name) => {
      const times = Object.hasOwn(known, name) ? known[name] : undefined;
      if (times === undefined) {
        const names = Object.keys(known).join(', ');
        throw new ProfileError(file, 0, `has a layer “${name.slice(0, 40)}”; known are ${names}.`);
      }
      return [name, count[times]];
    }),
  );
}
