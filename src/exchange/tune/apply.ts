/**
 * A tuned plan as settings to paste: a scenario of KV Lab, transformers, transformers.js, and through the planner's
 * renderers vLLM and llama.cpp.
 *
 * What a target can't say is a comment in the text and a note, never left out in silence.
 */
import { findGpu } from '../../core/hardware/records.ts';
import { KV_FORMATS } from '../../core/kv/formats.ts';
import { findArchitecture } from '../../core/model/architecture.ts';
import { modelShape } from '../../core/model/records.ts';
import type { BestPlan } from '../../core/run/best-plan.ts';
import type { PlanChoice } from '../../core/run/plan.ts';
import { SIM_KV_FORMATS, SIM_WEIGHT_FORMATS } from '../../core/scenario/simulate/schema.ts';
import { DEFAULT_SCENARIO } from '../../core/scenario/defaults.ts';
import { DEFAULT_TUNING } from '../../core/scenario/tune/defaults.ts';
import type { TuneCell } from '../../core/scenario/tune/profiles.ts';
import { resolveTuning, type Tuning } from '../../core/scenario/tune/resolved.ts';
import { loadOf } from '../../core/scenario/tune/load.ts';
import type { TuneExecutorName, TuneSettings } from '../../core/scenario/tune/schema.ts';
import { servingOf } from '../../core/scenario/tune/serving.ts';
import { simulationOf } from '../../core/scenario/tune/simulation.ts';
import { renderSettings, type RenderTarget } from '../plan/settings.ts';
import { renderTransformers, renderTransformersJs } from './transformers.ts';

export const APPLY_TARGETS = ['kvlab', 'transformers', 'transformersjs', 'vllm', 'llamacpp'] as const;
export type ApplyTarget = (typeof APPLY_TARGETS)[number];

export interface Applied {
  readonly text: string;
  readonly language: string;
  /** Of a file that holds it. */
  readonly extension: string;
  /** What the plan has and the target can't say. */
  readonly notes: readonly string[];
}

type Rendered = Omit<Applied, 'extension'>;

/** The longest cell of a plan: what an engine has to be started for. */
function longestCell({ models, profile }: BestPlan) {
  return {
    model: models[0] ?? '',
    context: Math.max(...profile.contexts),
    output: Math.max(...profile.outputs),
  };
}

const KV_OF: Readonly<Record<string, PlanChoice['kvFormat']>> = {
  f32: 'bf16',
  f16: 'bf16',
  fp8_e4m3: 'fp8',
  fp8_e5m2: 'fp8',
};
const WEIGHTS_OF: Readonly<Record<string, PlanChoice['weights']>> = { f32: 'bf16', f16: 'bf16' };

/** The plan as a choice of the planner, for its renderers. */
export function planChoiceOf(plan: BestPlan, engine: PlanChoice['engine']): PlanChoice {
  const { config, environment } = plan;
  const { model, context, output } = longestCell(plan);
  return {
    model,
    gpu: environment.gpu,
    gpuName: findGpu(environment.gpu)?.name ?? environment.gpu,
    gpus: environment.tensorParallel,
    replicas: 1,
    tensorParallel: environment.tensorParallel,
    pipelineParallel: 1,
    expertParallel: false,
    engine,
    engineVersion: '',
    weights:
      SIM_WEIGHT_FORMATS.find((known) => known === config.weights) ?? WEIGHTS_OF[config.weights] ?? 'bf16',
    kvFormat: SIM_KV_FORMATS.find((known) => known === config.kvFormat) ?? KV_OF[config.kvFormat] ?? 'bf16',
    blockSize: config.blockSize,
    memoryUtilization: environment.memoryUtilization,
    tokenBudget: config.tokenBudget,
    maxSequences: config.maxSequences,
    maxModelTokens: context + output,
    prefixCaching: config.prefixCaching,
    offloadGB: config.offload === 'host' ? 64 : 0,
    speculation: null,
    disaggregated: null,
  };
}

type Made =
  { readonly ok: true; readonly scenario: object } | { readonly ok: false; readonly sentence: string };
type Maker = (tuning: Tuning, settings: TuneSettings, cell: TuneCell) => Made;

/** Settings of the kernels as an experiment of the laboratory. */
const experimentOf: Maker = ({ scenario: { title } }, settings, { model, context, output }) => {
  const kvFormat = KV_FORMATS.find((known) => known === settings.kvFormat);
  const architecture = findArchitecture(model);
  const shape = modelShape(architecture?.id ?? model) ?? modelShape(model);
  if (kvFormat === undefined)
    return { ok: false, sentence: `The kernels have no KV format ${settings.kvFormat}.` };
  if (shape === undefined) return { ok: false, sentence: `The laboratory has no shape of ${model}.` };
  const { engine, workload } = DEFAULT_SCENARIO;
  return {
    ok: true,
    scenario: {
      ...DEFAULT_SCENARIO,
      title,
      model: shape,
      engine: { ...engine, kvFormat, blockSize: settings.blockSize, tier: settings.tier },
      workload: {
        ...workload,
        concurrency: settings.maxSequences,
        promptTokens: context,
        outputTokens: output,
      },
    },
  };
};

/** What of a server's settings a load carries: how many requests are in flight, and whether its cache may be used. */
const loadOn: Maker = (tuning, settings, cell) => ({ ok: true, scenario: loadOf(tuning, settings, cell) });

const MAKERS: Readonly<Record<TuneExecutorName, Maker>> = {
  simulator: simulationOf,
  engine: servingOf,
  kernels: experimentOf,
  endpoint: loadOn,
};

function renderKvlab(plan: BestPlan): Rendered {
  const { executor, gpu, tensorParallel, memoryUtilization } = plan.environment;
  const scenario = {
    ...DEFAULT_TUNING,
    title: `${plan.label}: from ${plan.run.id}`.slice(0, 120),
    executor,
    models: [...plan.models],
    hardware: { ...DEFAULT_TUNING.hardware, gpu, tensorParallel, memoryUtilization },
  };
  const tuning = resolveTuning(scenario);
  const cell = longestCell(plan);
  const made = MAKERS[executor](tuning, plan.config, cell);
  const notes =
    executor === 'kernels'
      ? ['An experiment chooses lanes and splits by itself; those of the plan are in its file.']
      : [];
  // What no scenario can hold is still the person's: the settings themselves.
  const text = made.ok ? made.scenario : { kind: 'best-plan', config: plan.config };
  return {
    text: `${JSON.stringify(text, null, 2)}\n`,
    language: 'json',
    notes: made.ok ? notes : [...notes, made.sentence],
  };
}

/** What engines of pages can't be told. */
function pagedNotes({ strategy, eviction, evictionTokens, cachePolicy, offload }: TuneSettings): string[] {
  return [
    ...(strategy === 'paged' ? [] : [`The plan’s cache is ${strategy}; this engine’s is paged.`]),
    ...(eviction === 'none'
      ? []
      : [`The plan evicts tokens by ${eviction} above ${evictionTokens}; this engine does not.`]),
    ...(cachePolicy === 'lru'
      ? []
      : [`The plan’s cache policy is ${cachePolicy}; this engine’s is its own.`]),
    ...(offload === 'none' ? [] : ['The plan keeps evicted KV in host memory.']),
  ];
}

function throughPlanner(plan: BestPlan, engine: PlanChoice['engine'], target: RenderTarget): Rendered {
  const { text, language, notes } = renderSettings(planChoiceOf(plan, engine), target);
  return { text, language, notes: [...notes, ...pagedNotes(plan.config)] };
}

const RENDERERS: Readonly<Record<ApplyTarget, (plan: BestPlan) => Rendered>> = {
  kvlab: renderKvlab,
  transformers: renderTransformers,
  transformersjs: renderTransformersJs,
  vllm: (plan) => throughPlanner(plan, 'vllm', 'vllm'),
  llamacpp: (plan) => throughPlanner(plan, 'llama.cpp', 'llama.cpp'),
};

const EXTENSIONS: Readonly<Record<string, string>> = {
  json: 'json',
  yaml: 'yaml',
  python: 'py',
  javascript: 'js',
  shell: 'sh',
};

export function applyPlan(plan: BestPlan, target: ApplyTarget): Applied {
  const rendered = RENDERERS[target](plan);
  return { ...rendered, extension: EXTENSIONS[rendered.language] ?? 'txt' };
}
