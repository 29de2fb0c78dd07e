/**
 * A tuned plan as code for transformers (Python) and transformers.js: how weights are loaded, which cache is used.
 *
 * Names and values are those of the documentation: https://huggingface.co/docs/transformers/v5.17.0/en/kv_cache (cache
 * strategies, quantized cache: quanto has 2 and 4 bits, HQQ 8), …/quantization (bitsandbytes, fine-grained fp8), and
 * DATA_TYPES and DEVICE_TYPES of @huggingface/transformers 4.3. The code makes a new cache for every call: a cache that is
 * handed to a second call still holds the first.
 */
import type { BestPlan } from '../../core/run/best-plan.ts';
import type { TuneSettings } from '../../core/scenario/tune/schema.ts';

interface Code {
  readonly text: string;
  readonly language: string;
  readonly notes: readonly string[];
}

/** A Python or JavaScript string; names of models come from files. */
function quoted(text: string): string {
  return JSON.stringify(text);
}

interface PythonWeights {
  readonly imports: readonly string[];
  readonly argument: string;
}

const DTYPE = 'dtype=torch.bfloat16';
const PYTHON_WEIGHTS: Readonly<Record<TuneSettings['weights'], PythonWeights>> = {
  bf16: { imports: [], argument: DTYPE },
  f16: { imports: [], argument: 'dtype=torch.float16' },
  f32: { imports: [], argument: 'dtype=torch.float32' },
  fp8: {
    imports: ['FineGrainedFP8Config'],
    argument: `${DTYPE}, quantization_config=FineGrainedFP8Config()`,
  },
  int8: {
    imports: ['BitsAndBytesConfig'],
    argument: `${DTYPE}, quantization_config=BitsAndBytesConfig(load_in_8bit=True)`,
  },
  int4: {
    imports: ['BitsAndBytesConfig'],
    argument: `${DTYPE}, quantization_config=BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype=torch.bfloat16)`,
  },
  mxfp4: { imports: [], argument: 'dtype="auto"' },
};

/** Bits of a quantized cache; null where there is none of the format. */
const QUANTIZED: Readonly<Partial<Record<TuneSettings['kvFormat'], string>>> = {
  int2: '{"backend": "quanto", "nbits": 2}',
  int4: '{"backend": "quanto", "nbits": 4}',
  int8: '{"backend": "hqq", "nbits": 8, "axis_key": 1, "axis_value": 1}',
};

function pythonCache({ kvFormat, strategy, offload }: TuneSettings): { argument: string; notes: string[] } {
  const config = QUANTIZED[kvFormat];
  if (config !== undefined) {
    const notes =
      strategy === 'growing' ? [] : [`A quantized cache grows with its sequence; the plan’s is ${strategy}.`];
    return { argument: `cache_implementation="quantized", cache_config=${config}`, notes };
  }
  const plain = kvFormat.startsWith('fp8')
    ? [`transformers has no ${kvFormat} cache; this one is as the model computes.`]
    : [];
  const paged =
    strategy === 'paged'
      ? [
          'generate() has no pages: its cache grows with the sequence. Pages are those of vLLM (apply --print vllm).',
        ]
      : [];
  const window =
    strategy === 'sliding-window'
      ? ['Windows are the model’s own layers’ here; the cache keeps to them by itself and to no other.']
      : [];
  const fixed = strategy === 'reserved' ? 'static' : 'dynamic';
  const implementation = offload === 'host' ? (fixed === 'static' ? 'offloaded_static' : 'offloaded') : fixed;
  return { argument: `cache_implementation="${implementation}"`, notes: [...plain, ...paged, ...window] };
}

function commonNotes({ eviction, prefixCaching, chunkTokens }: TuneSettings): string[] {
  return [
    ...(eviction === 'none' ? [] : [`Eviction by ${eviction} is not part of it.`]),
    ...(prefixCaching
      ? ['Prompts that begin alike are computed anew each time: there is no prefix cache.']
      : []),
    ...(chunkTokens > 0 ? [`The plan reads prompts in chunks of ${chunkTokens} tokens; this does not.`] : []),
  ];
}

function comments(notes: readonly string[], mark: string): string {
  return notes.map((note) => `${mark} ${note}\n`).join('');
}

export function renderTransformers({ models, config, profile, label }: BestPlan): Code {
  const weights = PYTHON_WEIGHTS[config.weights];
  const cache = pythonCache(config);
  const notes = [...cache.notes, ...commonNotes(config)];
  const names = ['AutoModelForCausalLM', 'AutoTokenizer', ...weights.imports].join(', ');
  const text = `# ${label.replaceAll('\n', ' ')}
${comments(notes, '#')}import torch
from transformers import ${names}

MODEL = ${quoted(models[0] ?? '')}
MAX_BATCH = ${config.maxSequences}

tokenizer = AutoTokenizer.from_pretrained(MODEL, padding_side="left")
if tokenizer.pad_token is None:
    tokenizer.pad_token = tokenizer.eos_token
model = AutoModelForCausalLM.from_pretrained(
    MODEL, device_map="auto", ${weights.argument}
)


def generate(prompts, max_new_tokens=${Math.max(...profile.outputs)}):
    """At most MAX_BATCH prompts; each call has a cache of its own."""
    inputs = tokenizer(prompts[:MAX_BATCH], return_tensors="pt", padding=True).to(model.device)
    with torch.inference_mode():
        output = model.generate(
            **inputs, max_new_tokens=max_new_tokens, ${cache.argument}
        )
    return tokenizer.batch_decode(output[:, inputs["input_ids"].shape[1]:], skip_special_tokens=True)
`;
  return { text, language: 'python', notes };
}

/** What ONNX files of the hub are named by. */
const JS_DTYPES: Readonly<Record<TuneSettings['weights'], string>> = {
  f32: 'fp32',
  bf16: 'fp16',
  f16: 'fp16',
  fp8: 'q8',
  int8: 'q8',
  int4: 'q4f16',
  mxfp4: 'q4f16',
};

export function renderTransformersJs({ models, config, profile, label }: BestPlan): Code {
  const full = config.kvFormat === 'f32' || config.kvFormat === 'f16' || config.kvFormat === 'bf16';
  const notes = [
    ...(config.strategy === 'growing'
      ? []
      : [`Its cache grows with the sequence; the plan’s is ${config.strategy}.`]),
    ...(full ? [] : [`Its cache is in the model’s own format; the plan’s is ${config.kvFormat}.`]),
    ...(config.maxSequences === 1 ? [] : ['It answers one request after the other.']),
    ...commonNotes(config),
  ];
  const text = `// ${label.replaceAll('\n', ' ')}
${comments(notes, '//')}import { pipeline } from '@huggingface/transformers';

// A repository with ONNX files.
const generator = await pipeline('text-generation', ${quoted(models[0] ?? '')}, {
  device: 'webgpu',
  dtype: '${JS_DTYPES[config.weights]}',
});

/** Each call has a cache of its own. */
export async function generate(prompt, maxNewTokens = ${Math.max(...profile.outputs)}) {
  const [{ generated_text: text }] = await generator(prompt, {
    max_new_tokens: maxNewTokens,
    do_sample: false,
    return_full_text: false,
  });
  return text;
}
`;
  return { text, language: 'javascript', notes };
}
