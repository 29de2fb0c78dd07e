/**
 * The format of a checkpoint's weights, from its `quantization_config`: what its makers released, and so what it takes at
 * least without losing anything more.
 *
 * Sources: quantization configurations of huggingface/transformers (fp8, mxfp4, awq, gptq, bitsandbytes), vLLM's
 * compressed-tensors and NVIDIA's modelopt. A method that is none of these counts as bf16: memory is then planned too large,
 * never too small.
 */
import type { ReleasedFormat } from '../architecture.ts';
import type { Fields } from './fields.ts';

const FOUR_BIT = /^(awq|gptq|auto-round|hqq|bitnet)$/;

/** Undefined: as trained. */
export function releasedOf(fields: Fields): ReleasedFormat | undefined {
  // DeepSeek-V4 keeps its experts in four bits and says nothing more.
  if (fields.text('expert_dtype') === 'fp4') return 'mxfp4';
  const at = (name: string): string => `quantization_config.${name}`;
  const method = fields.text(at('quant_method'))?.toLowerCase() ?? '';
  const bits = fields.optional([at('bits'), at('w_bit')]);
  switch (method) {
    case 'mxfp4':
      return 'mxfp4';
    case 'fp8':
    case 'fbgemm_fp8':
      return 'fp8';
    case 'bitsandbytes':
      return fields.flag(at('load_in_4bit')) === true ? 'int4' : 'int8';
    case 'modelopt':
    case 'modelopt_fp4':
      return /fp4/i.test(fields.text(at('quant_algo')) ?? method) ? 'mxfp4' : 'fp8';
    case 'compressed-tensors':
      return compressed(fields);
    default:
      if (!FOUR_BIT.test(method)) return undefined;
      return bits === 8 ? 'int8' : 'int4';
  }
}

function compressed(fields: Fields): ReleasedFormat | undefined {
  const weights = 'quantization_config.config_groups.group_0.weights';
  const bits = fields.optional([`${weights}.num_bits`]);
  const isFloat = fields.text(`${weights}.type`) === 'float';
  if (bits === 8) return isFloat ? 'fp8' : 'int8';
  if (bits === 4) return isFloat ? 'mxfp4' : 'int4';
  return undefined;
}
