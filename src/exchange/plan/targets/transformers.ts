/**
 * transformers (PyTorch): load and generate, with the cache of the plan.
 *
 * A library, not a server: it has no paging, no token budget and no sharing of prefixes, and says so.
 */
import * as v from 'valibot';
import type { PlanChoice } from '../../../core/run/plan.ts';
import { accepted, FlagTable, type Argument } from '../flags.ts';
import rows from '../flags/transformers.json' with { type: 'json' };
import { commentLines } from '../shell.ts';
import { deviceOf, gpusOf, sixteenBits, type Renderer } from '../subject.ts';

export const TRANSFORMERS_VALUES: FlagTable = v.parse(FlagTable, rows);

const QUANTIZATION: Readonly<Record<PlanChoice['weights'], string | null>> = {
  bf16: null,
  fp8: 'FineGrainedFP8Config()',
  int8: 'BitsAndBytesConfig(load_in_8bit=True)',
  int4: 'BitsAndBytesConfig(load_in_4bit=True)',
  mxfp4: 'Mxfp4Config()',
};

/** Backend and bits of a quantized cache; null: kept in the model's own format. */
const CACHE: Readonly<Record<PlanChoice['kvFormat'], readonly [backend: string, nbits: number] | null>> = {
  bf16: null,
  fp8: ['hqq', 8],
  int8: ['hqq', 8],
  int4: ['quanto', 4],
  int2: ['quanto', 2],
};

export function transformersArguments(choice: PlanChoice): readonly Argument[] {
  const quantization = QUANTIZATION[choice.weights];
  const cache = CACHE[choice.kvFormat];
  return accepted(TRANSFORMERS_VALUES, [
    ['dtype', sixteenBits(choice)],
    gpusOf(choice) > 1 ? ['tp_plan', 'auto'] : ['device_map', deviceOf(choice)],
    ...(quantization === null ? [] : [['quantization_config', quantization] as const]),
    ['max_length', choice.maxModelTokens],
    ['cache_implementation', cache !== null ? 'quantized' : choice.offloadGB > 0 ? 'offloaded' : 'dynamic'],
    ...(cache === null
      ? []
      : [['cache_config.backend', cache[0]] as const, ['cache_config.nbits', cache[1]] as const]),
  ]);
}

export const renderTransformers: Renderer = ({ choice, repository }) => {
  const values = new Map(transformersArguments(choice).map(([name, value]) => [name, value] as const));
  const quantization = QUANTIZATION[choice.weights];
  const imported = [
    'AutoModelForCausalLM',
    'AutoTokenizer',
    ...(quantization === null ? [] : [quantization.split('(')[0] ?? '']),
  ];
  const placement = values.has('tp_plan') ? 'tp_plan="auto"' : `device_map="${deviceOf(choice)}"`;
  const cache = CACHE[choice.kvFormat];
  const notes = notesOf(choice);
  const text = `${commentLines(notes)}import torch
from transformers import ${imported.join(', ')}

name = ${python(repository)}
tokenizer = AutoTokenizer.from_pretrained(name, padding_side="left")
model = AutoModelForCausalLM.from_pretrained(
    name,
    dtype=torch.${sixteenBits(choice)},
    ${placement},${quantization === null ? '' : `\n    quantization_config=${quantization},`}
)

prompts = ["The KV cache holds"]  # up to ${choice.maxSequences} at once
inputs = tokenizer(prompts, return_tensors="pt", padding=True).to(model.device)
output = model.generate(
    **inputs,
    max_length=${choice.maxModelTokens},
    cache_implementation=${python(String(values.get('cache_implementation')))},${cache === null ? '' : `\n    cache_config={"backend": ${python(cache[0])}, "nbits": ${cache[1]}},`}
)
print(tokenizer.batch_decode(output, skip_special_tokens=True)[0])
`;
  return { text, language: 'python', file: 'generate.py', notes };
};

/** A string of Python: the escapes of JSON are its own. */
function python(text: string): string {
  return JSON.stringify(text);
}

function notesOf(choice: PlanChoice): string[] {
  return [
    'transformers batches statically: no paging, token budget or shared prefixes, so the plan’s speed is not its own.',
    ...(choice.kvFormat === 'fp8'
      ? ['transformers has no fp8 KV cache; hqq with 8 bits takes as many bytes.']
      : []),
    ...(choice.pipelineParallel > 1 ? ['It has no pipeline of stages; all GPUs share each layer.'] : []),
    ...(gpusOf(choice) > 1 ? [`Start it with: torchrun --nproc-per-node ${gpusOf(choice)} generate.py`] : []),
  ];
}
