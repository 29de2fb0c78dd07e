/**
 * Which GPUs an engine runs on, which formats a GPU and an engine have at all, and which one a model was released in.
 *
 * A format without arithmetic of its own on a GPU is not offered, though some engines widen it on the way: the gain is
 * memory alone, and that is what int4 is for.
 */
import type { GpuRecord } from '../core/hardware/records.ts';
import type { ServedKvFormat } from '../core/kv/layers.ts';
import type { Architecture } from '../core/model/architecture.ts';
import type { ServedWeightFormat } from '../core/model/parameters.ts';
import type { PlanEngineName } from '../core/scenario/plan/schema.ts';

/** Weight formats of each engine. vLLM: docs/features/quantization; llama.cpp: F16/BF16, Q8_0, Q4_* of GGUF, MXFP4. */
const ENGINE_WEIGHTS: Record<PlanEngineName, readonly ServedWeightFormat[]> = {
  vllm: ['bf16', 'fp8', 'int8', 'int4', 'mxfp4'],
  sglang: ['bf16', 'fp8', 'int8', 'int4', 'mxfp4'],
  'tensorrt-llm': ['bf16', 'fp8', 'int8', 'int4', 'mxfp4'],
  'llama.cpp': ['bf16', 'int8', 'int4', 'mxfp4'],
};

/** KV formats of each engine: `--kv-cache-dtype` of vLLM and SGLang, `kv_cache_config.dtype`, `-ctk/-ctv`. */
const ENGINE_KV: Record<PlanEngineName, readonly ServedKvFormat[]> = {
  vllm: ['bf16', 'fp8', 'int8', 'int4'],
  sglang: ['bf16', 'fp8'],
  'tensorrt-llm': ['bf16', 'fp8', 'int8'],
  'llama.cpp': ['bf16', 'int8', 'int4'],
};

const PHONE_MAKERS: readonly GpuRecord['vendor'][] = ['qualcomm', 'arm', 'imagination'];
const onPhone = ({ kind, vendor }: GpuRecord): boolean => kind === 'mobile' || PHONE_MAKERS.includes(vendor);

/**
 * GPUs that an engine does not run on. vLLM: docs/getting_started/installation (CUDA, ROCm, XPU; Gaudi and Apple by plugins);
 * SGLang: docs/hardware-platforms; TensorRT-LLM: supported-hardware (Ampere and later); llama.cpp: docs/build.md.
 */
const RUNS_NOT: Record<PlanEngineName, (gpu: GpuRecord) => boolean> = {
  vllm: onPhone,
  sglang: (gpu) => onPhone(gpu) || gpu.vendor === 'apple',
  'tensorrt-llm': ({ vendor, architecture }) =>
    (vendor !== 'nvidia' && vendor !== 'other') || ['Volta', 'Turing'].includes(architecture),
  'llama.cpp': ({ architecture }) => architecture.startsWith('Gaudi'),
};

/** Why an engine does not run on a GPU at all, with one that does; null where it does. */
export function noEngine(gpu: GpuRecord, engine: PlanEngineName): string | null {
  if (!RUNS_NOT[engine](gpu)) return null;
  const other = (['vllm', 'llama.cpp'] as const).find((name) => !RUNS_NOT[name](gpu));
  return `${engine} does not run on ${gpu.name}${other === undefined ? '' : `; ${other} does`}`;
}

/** Why a GPU or an engine has no such weights; null where both do. */
export function noWeights(gpu: GpuRecord, engine: PlanEngineName, format: ServedWeightFormat): string | null {
  if (!ENGINE_WEIGHTS[engine].includes(format)) return `${engine} has no ${format} weights`;
  if (format === 'fp8' && gpu.serving.fp8MatrixTflops === null) return `${gpu.name} has no fp8 arithmetic`;
  if (format === 'int8' && gpu.serving.int8MatrixTops === null && engine !== 'llama.cpp') {
    return `${gpu.name} has no int8 matrix arithmetic`;
  }
  return null;
}

/** Why a GPU or an engine has no such KV cache; null where both do. */
export function noKv(gpu: GpuRecord, engine: PlanEngineName, format: ServedKvFormat): string | null {
  if (!ENGINE_KV[engine].includes(format)) return `${engine} has no ${format} KV cache`;
  if (format === 'fp8' && gpu.serving.fp8MatrixTflops === null) return `${gpu.name} has no fp8 arithmetic`;
  return null;
}

/**
 * KV that an engine takes for weights unless told. TensorRT-LLM: NVIDIA's fp8 checkpoints carry scales of fp8 KV, which it
 * follows (its deployment guide of Llama 3.3 70B); the others keep what the model computes in.
 */
export function defaultKv(engine: PlanEngineName, weights: ServedWeightFormat): ServedKvFormat {
  return engine === 'tensorrt-llm' && weights === 'fp8' ? 'fp8' : 'bf16';
}

/** Weights as the model's makers released them. gpt-oss: mxfp4 experts (its config.json). DeepSeek-V3, Kimi-K2: fp8 (theirs). */
export function releasedWeights({ id, released }: Architecture): ServedWeightFormat {
  if (released !== undefined) return released;
  if (id.startsWith('gpt-oss')) return 'mxfp4';
  return /^(deepseek-(v3|r1)|kimi-k2)/.test(id) ? 'fp8' : 'bf16';
}
