/**
 * What every renderer starts from: the choice of a plan and the name under which the engine finds the weights.
 *
 * A plan names a model by its record; an engine wants a repository of the hub, a folder or a file. Where the plan's
 * weights are in a format that the engine cannot make while it loads, only a checkpoint in that format will do, and the
 * settings ask for its name instead of serving the wrong one.
 */
import { findAnyGpu } from '../../core/hardware/catalogue.ts';
import { findAnyModel } from '../../core/model/catalogue.ts';
import type { PlanChoice } from '../../core/run/plan.ts';

export interface RenderOptions {
  /** Repository, folder or file of the weights; null: the plan's model where that is a repository's name. */
  readonly repository?: string | null;
  /** Weights on one GPU, for volumes that must hold them. */
  readonly weightsBytes?: number | null;
}

export interface RenderSubject {
  readonly choice: PlanChoice;
  /** As the person would name it. */
  readonly repository: string;
  readonly weightsBytes: number | null;
}

export type SettingsLanguage = 'shell' | 'yaml' | 'json' | 'python' | 'javascript';

export interface Settings {
  readonly text: string;
  readonly language: SettingsLanguage;
  /** A name for the file. */
  readonly file: string;
  /** What the plan has and these settings cannot say, or what has to be done besides; also comments in the text. */
  readonly notes: readonly string[];
}

export type Renderer = (subject: RenderSubject) => Settings;

/** A repository of the hub for a model that a plan names by its record: what its makers published, unquantized. */
function repositoryOf(model: string): string {
  if (model.includes('/')) return model;
  const names = (findAnyModel(model)?.aliases ?? []).filter((alias) => alias.includes('/'));
  return names.find((name) => !/(?:fp4|fp8|awq|gptq|int4|int8)/i.test(name)) ?? names[0] ?? model;
}

export function subjectOf(choice: PlanChoice, { repository, weightsBytes }: RenderOptions): RenderSubject {
  return {
    choice,
    repository: repository ?? repositoryOf(choice.model),
    weightsBytes: weightsBytes ?? null,
  };
}

/** One sentence where no repository of the model is known; none where one is. */
export function repositoryNotes({ repository }: RenderSubject): string[] {
  return repository.includes('/')
    ? []
    : [`No repository of ${repository} is known: put the name of one, or a folder, in its place.`];
}

/** Share of a step below which a draft is one that looks its tokens up in the prompt; above, a model of its own. */
export const LOOKUP_COST = 0.005;

/** GPUs of one replica. */
export function gpusOf({ tensorParallel, pipelineParallel }: PlanChoice): number {
  return tensorParallel * pipelineParallel;
}

/** Host memory of one replica for evicted KV, in bytes. */
export function offloadBytes(choice: PlanChoice): number {
  return choice.offloadGB * 1e9 * gpusOf(choice);
}

const GIB = 2 ** 30;

/** Bytes as GiB with at most two digits, rounded down: an engine must not take more than the plan gives it. */
export function gibibytes(bytes: number): number {
  return Math.floor((bytes / GIB) * 100) / 100;
}

/** One sentence that there are several replicas and these settings start one of them; none where there is one. */
export function replicaNotes({ replicas, disaggregated }: PlanChoice): string[] {
  return replicas > 1 && disaggregated === null
    ? [`One of ${replicas} replicas: start as many, each on its own GPUs, behind a router.`]
    : [];
}

/** Makes of NVIDIA before compute capability 8.0, which have no bfloat16. */
const WITHOUT_BFLOAT16 = ['Volta', 'Turing'];

/** What weights of sixteen bits are computed in: vLLM and SGLang refuse bfloat16 below compute capability 8.0. */
export function sixteenBits({ gpu }: PlanChoice): 'bfloat16' | 'float16' {
  return WITHOUT_BFLOAT16.includes(findAnyGpu(gpu)?.architecture ?? '') ? 'float16' : 'bfloat16';
}

/** What PyTorch calls the device: ROCm goes by the name of CUDA. */
export function deviceOf({ gpu }: PlanChoice): 'cuda' | 'mps' | 'xpu' {
  const vendor = findAnyGpu(gpu)?.vendor;
  return vendor === 'apple' ? 'mps' : vendor === 'intel' ? 'xpu' : 'cuda';
}
