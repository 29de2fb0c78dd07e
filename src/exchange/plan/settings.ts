/** The settings of a plan in each engine's own words: one renderer a target, and the table that lists them. */
import type { PlanChoice } from '../../core/run/plan.ts';
import { subjectOf, type Renderer, type RenderOptions, type Settings } from './subject.ts';
import { renderLlamaCpp } from './targets/llama-cpp.ts';
import { renderLlmD } from './targets/llm-d.ts';
import { renderLmcache } from './targets/lmcache.ts';
import { renderSglang } from './targets/sglang.ts';
import { renderTensorRt } from './targets/tensorrt-llm.ts';
import { renderTransformersJs } from './targets/transformers-js.ts';
import { renderTransformers } from './targets/transformers.ts';
import { renderVllm, renderVllmYaml } from './targets/vllm.ts';

export const RENDER_TARGETS = [
  'vllm',
  'vllm-yaml',
  'sglang',
  'tensorrt-llm',
  'llama.cpp',
  'lmcache',
  'llm-d',
  'transformers',
  'transformers.js',
] as const;
export type RenderTarget = (typeof RENDER_TARGETS)[number];

const RENDERERS: Readonly<Record<RenderTarget, Renderer>> = {
  vllm: renderVllm,
  'vllm-yaml': renderVllmYaml,
  sglang: renderSglang,
  'tensorrt-llm': renderTensorRt,
  'llama.cpp': renderLlamaCpp,
  lmcache: renderLmcache,
  'llm-d': renderLlmD,
  transformers: renderTransformers,
  'transformers.js': renderTransformersJs,
};

/** As lists and headings name them. */
export const TARGET_LABELS: Readonly<Record<RenderTarget, string>> = {
  vllm: 'vLLM, command',
  'vllm-yaml': 'vLLM, YAML',
  sglang: 'SGLang',
  'tensorrt-llm': 'TensorRT-LLM',
  'llama.cpp': 'llama.cpp',
  lmcache: 'LMCache',
  'llm-d': 'llm-d, Kubernetes values',
  transformers: 'transformers',
  'transformers.js': 'transformers.js',
};

/** Settings to paste, every flag and value of which the engine accepts. */
export function renderSettings(
  choice: PlanChoice,
  target: RenderTarget,
  options: RenderOptions = {},
): Settings {
  return RENDERERS[target](subjectOf(choice, options));
}

export type { RenderOptions, Settings, SettingsLanguage } from './subject.ts';
