/** The settings of a plan in each engine's own words: one renderer a target, and the table that lists them. */
import type { PlanChoice } from '../../core/run/plan.ts';
import { subjectOf, type Renderer, type RenderOptions, type Settings } from './subject.ts';
import { renderVllm, renderVllmYaml } from './targets/vllm.ts';

export const RENDER_TARGETS = ['vllm', 'vllm-yaml'] as const;
export type RenderTarget = (typeof RENDER_TARGETS)[number];

const RENDERERS: Readonly<Record<RenderTarget, Renderer>> = {
  vllm: renderVllm,
  'vllm-yaml': renderVllmYaml,
};

/** As lists and headings name them. */
export const TARGET_LABELS: Readonly<Record<RenderTarget, string>> = {
  vllm: 'vLLM, command',
  'vllm-yaml': 'vLLM, YAML',
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
