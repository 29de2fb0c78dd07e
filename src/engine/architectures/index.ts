/** The families that this engine runs, and the door for a `config.json`: read by one of them, or refused by name. */
import * as v from 'valibot';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { MODEL_FAMILIES, type ModelConfig, type ModelFamily } from '../config.ts';
import { ModelError, quoted } from '../files/error.ts';
import { fitting } from '../files/json-file.ts';
import { FIELDS, tokenList, unsupported, type Architecture } from './architecture.ts';
import { GPT2 } from './gpt2.ts';
import { LLAMA } from './llama.ts';
import { MISTRAL } from './mistral.ts';
import { OPT } from './opt.ts';
import { PHI } from './phi.ts';
import type { ModelPlan } from './plan.ts';
import { QWEN2 } from './qwen2.ts';
import { QWEN3 } from './qwen3.ts';
import { MISSING_FOR } from './refusals.ts';

export const ARCHITECTURES: Record<ModelFamily, Architecture> = {
  llama: LLAMA,
  mistral: MISTRAL,
  qwen2: QWEN2,
  qwen3: QWEN3,
  gpt2: GPT2,
  opt: OPT,
  phi: PHI,
};

const Kind = v.object({
  model_type: v.pipe(v.string(), v.maxLength(100)),
  quantization_config: v.optional(v.unknown()),
});
const Generation = v.object({ bos_token_id: FIELDS.token, eos_token_id: FIELDS.tokens });
const Method = v.object({ quant_method: v.pipe(v.string(), v.maxLength(40)) });

function isFamily(type: string): type is ModelFamily {
  return (MODEL_FAMILIES as readonly string[]).includes(type);
}

/** Why a `model_type` is refused, as a sentence's end. */
function whyNot(type: string): string {
  const missing = Object.hasOwn(MISSING_FOR, type) ? MISSING_FOR[type] : undefined;
  if (missing !== undefined)
    return `it is a ${quoted(type)} model, and what that needs is missing here: ${missing}`;
  return `its model_type ${quoted(type)} is not known here; there are ${MODEL_FAMILIES.join(', ')}`;
}

/**
 * A model's `config.json`, and its `generation_config.json` where it has one (whose end tokens go first: instruction
 * models end with more than one).
 * @throws ModelError `corrupt` or `unsupported`, one sentence
 */
export function readModelConfig(json: unknown, name: string, generation: unknown = null): ModelConfig {
  if (!isJsonObject(json)) throw new ModelError('corrupt', `${name}: config.json holds no object.`);
  const kind = fitting(`${name}, config.json`, Kind, json);
  const type = kind.model_type;
  if (!isFamily(type)) throw unsupported(name, whyNot(type));
  refuseQuantized(kind.quantization_config, name);
  return withGeneration(ARCHITECTURES[type].read(json, name), generation);
}

/** Weights that were quantized by a method of their own have other tensors than the plain model. */
function refuseQuantized(given: unknown, name: string): void {
  if (given === null || given === undefined) return;
  const method = v.safeParse(Method, given);
  const words = method.success ? ` by ${quoted(method.output.quant_method)}` : '';
  throw unsupported(
    name,
    `its weights are quantized${words}; take the unquantized files, or GGUF in Q8_0 or Q4_0`,
  );
}

function withGeneration(config: ModelConfig, generation: unknown): ModelConfig {
  if (!isJsonObject(generation)) return config;
  const read = fitting(`${config.name}, generation_config.json`, Generation, generation);
  const eosTokens = [...new Set([...tokenList(read.eos_token_id), ...config.eosTokens])];
  return { ...config, bosToken: read.bos_token_id ?? config.bosToken, eosTokens };
}

/** Which tensors make up a model. */
export function planOf(config: ModelConfig): ModelPlan {
  return ARCHITECTURES[config.family].plan(config);
}

export type { Architecture, JsonObject };
