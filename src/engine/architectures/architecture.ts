/** What a file of this folder says about its family, and what the families share when they read a `config.json`. */
import * as v from 'valibot';
import type { JsonObject } from '../../core/json.ts';
import type { ModelConfig, ModelFamily } from '../config.ts';
import { ModelError, quoted } from '../files/error.ts';
import type { ModelPlan } from './plan.ts';

export interface Architecture {
  readonly family: ModelFamily;
  /** For people: 'Llama 2 and 3, SmolLM2, TinyLlama'. */
  readonly title: string;
  /**
   * A `config.json` as the engine's configuration.
   * @throws ModelError `corrupt` where a field does not fit, `unsupported` where a variant is not built here
   */
  read(json: JsonObject, name: string): ModelConfig;
  plan(config: ModelConfig): ModelPlan;
}

/** Bounds of every configuration: far above any model that fits a browser, far below what would exhaust its memory. */
const LIMITS = {
  layers: 512,
  hidden: 65_536,
  intermediate: 262_144,
  heads: 1024,
  headDim: 256,
  vocab: 1_048_576,
  positions: 16_777_216,
} as const;

function upTo(most: number) {
  return v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(most));
}

const id = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(LIMITS.vocab));

/** Schemas of the fields of a `config.json`. */
export const FIELDS = {
  layers: upTo(LIMITS.layers),
  hidden: upTo(LIMITS.hidden),
  intermediate: upTo(LIMITS.intermediate),
  heads: upTo(LIMITS.heads),
  headDim: v.nullish(upTo(LIMITS.headDim)),
  vocab: upTo(LIMITS.vocab),
  positions: upTo(LIMITS.positions),
  epsilon: v.pipe(v.number(), v.finite(), v.minValue(0), v.maxValue(1)),
  flag: v.nullish(v.boolean()),
  theta: v.nullish(v.pipe(v.number(), v.finite(), v.minValue(1), v.maxValue(1e12))),
  window: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(LIMITS.positions))),
  activation: v.pipe(v.string(), v.maxLength(64)),
  token: v.nullish(id),
  tokens: v.nullish(v.union([id, v.pipe(v.array(id), v.maxLength(64))])),
} as const;

export function tokenList(tokens: number | readonly number[] | null | undefined): readonly number[] {
  if (tokens === null || tokens === undefined) return [];
  return typeof tokens === 'number' ? [tokens] : tokens;
}

const ACTIVATIONS: Readonly<Record<string, ModelConfig['activation']>> = {
  silu: 'silu',
  swish: 'silu',
  gelu: 'gelu',
  gelu_new: 'gelu-tanh',
  gelu_fast: 'gelu-tanh',
  gelu_pytorch_tanh: 'gelu-tanh',
  relu: 'relu',
};

/** @throws ModelError `unsupported` */
export function activationOf(name: string, given: string): ModelConfig['activation'] {
  const known = Object.hasOwn(ACTIVATIONS, given) ? ACTIVATIONS[given] : undefined;
  if (known !== undefined) return known;
  throw unsupported(
    name,
    `its activation ${quoted(given)} is missing here; there are ${Object.keys(ACTIVATIONS).join(', ')}`,
  );
}

export function unsupported(name: string, missing: string): ModelError {
  return new ModelError('unsupported', `${name} can't be run: ${missing}.`);
}

/** Dimension of a head: the one given, else the width shared out. @throws ModelError where it can't be */
export function headDimOf(
  name: string,
  hidden: number,
  heads: number,
  given: number | null | undefined,
): number {
  if (given !== null && given !== undefined) return given;
  if (hidden % heads === 0 && hidden / heads <= LIMITS.headDim) return hidden / heads;
  throw new ModelError(
    'corrupt',
    `${name}: a width of ${hidden} over ${heads} heads makes heads of ${hidden / heads}; whole numbers up to ` +
      `${LIMITS.headDim} are needed.`,
  );
}

/** The checks that every family needs. @throws ModelError */
export function checked(config: ModelConfig): ModelConfig {
  const { name, queryHeads, kvHeads, headDim, positions, windowTokens, maxPositionTokens } = config;
  if (queryHeads % kvHeads !== 0) {
    const words = `${queryHeads} query heads can't share ${kvHeads} KV heads evenly`;
    throw new ModelError('corrupt', `${name}: ${words}; the one must be a multiple of the other.`);
  }
  if (queryHeads / kvHeads > MAX_GROUP) {
    const group = queryHeads / kvHeads;
    throw unsupported(
      name,
      `${group} query heads share a KV head and the attention kernels take ${MAX_GROUP}`,
    );
  }
  if (positions.kind === 'rope') {
    const { rotaryDim } = positions;
    if (rotaryDim % 2 !== 0 || rotaryDim < 2 || rotaryDim > headDim) {
      const words = `${rotaryDim} of ${headDim} channels of a head are turned`;
      throw new ModelError('corrupt', `${name}: ${words}; an even number up to ${headDim} is needed.`);
    }
  }
  // A window that no context outgrows is no window.
  return windowTokens >= maxPositionTokens ? { ...config, windowTokens: 0 } : config;
}

/** Query heads of a KV head that the attention kernels take (gpu/kernels/decode-check.ts). */
export const MAX_GROUP = 8;
