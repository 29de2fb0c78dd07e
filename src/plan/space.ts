/** What a search looks at: GPUs, and the settings of a replica that a scenario leaves open. */
import { ALL_GPUS } from '../core/hardware/catalogue.ts';
import type { GpuRecord } from '../core/hardware/records.ts';
import type { PlanChoice } from '../core/run/plan.ts';
import type { PlanScenario } from '../core/scenario/plan/schema.ts';
import { groupsOf, stepDefaults, type Settings } from './settle.ts';
import { asPlanned, findGpuNamed, gpuOf } from './subject.ts';
import { noKv, noWeights, releasedWeights } from './support.ts';
import type { Candidate, PlanSubject } from './types.ts';

/** GPUs to look at: the one that is named, those that can be had, or all. @throws PlanError */
export function gpusToSearch(scenario: PlanScenario): readonly GpuRecord[] {
  const named = gpuOf(scenario);
  if (named !== null) return [named];
  const { gpus } = scenario.constraints;
  const records = gpus === null ? ALL_GPUS : gpus.map(findGpuNamed);
  return [...new Set(records)].map((gpu) => asPlanned(gpu, scenario));
}

function weightsToSearch({ scenario, model }: PlanSubject, gpu: GpuRecord): PlanChoice['weights'][] {
  const { engine } = scenario;
  if (engine.weights !== null) return [engine.weights];
  const released = releasedWeights(model);
  const narrower = released === 'mxfp4' ? [] : (['fp8', 'int8', 'int4'] as const);
  return [...new Set([released, ...narrower])].filter(
    (format) => noWeights(gpu, engine.name, format) === null,
  );
}

function kvToSearch({ scenario }: PlanSubject, gpu: GpuRecord): PlanChoice['kvFormat'][] {
  const { engine } = scenario;
  if (engine.kvFormat !== null) return [engine.kvFormat];
  const has = (format: PlanChoice['kvFormat']): boolean => noKv(gpu, engine.name, format) === null;
  const eight = (['fp8', 'int8'] as const).find(has);
  return ['bf16', ...(eight === undefined ? [] : [eight])];
}

/** All settings of one GPU that tell replicas apart. */
export function* settingsOf(subject: PlanSubject, gpu: GpuRecord): Generator<Settings> {
  const { engine } = subject.scenario;
  const defaults = stepDefaults(engine.name, gpu);
  for (const [tensorParallel, pipelineParallel] of groupsOf(subject, gpu)) {
    for (const weights of weightsToSearch(subject, gpu)) {
      for (const kvFormat of kvToSearch(subject, gpu)) {
        yield {
          tensorParallel,
          pipelineParallel,
          weights,
          kvFormat,
          tokenBudget: engine.tokenBudget ?? defaults.tokenBudget,
          maxSequences: engine.maxSequences ?? defaults.maxSequences,
          prefixCaching: engine.prefixCaching ?? true,
        };
      }
    }
  }
}

const STEP_BUDGETS = [16_384, 8192, 4096, 2048, 1024, 512];

/** Settings of a step around one that was found. */
export function* neighboursOf(
  { choice, gpu }: Candidate,
  { scenario: { engine, load, hardware }, model }: PlanSubject,
): Generator<Partial<PlanChoice>> {
  const mixture = model.kinds.some(({ mlp }) => mlp.kind === 'experts');
  if (engine.tokenBudget === null) {
    for (const tokenBudget of STEP_BUDGETS) if (tokenBudget !== choice.tokenBudget) yield { tokenBudget };
  }
  if (engine.maxSequences === null) {
    for (const maxSequences of [256, 64]) if (maxSequences < choice.maxSequences) yield { maxSequences };
  }
  if (engine.prefixCaching === null && load.sharedPrefix !== null) yield { prefixCaching: false };
  // Whole experts on ranks, where there are several of both.
  if (!choice.expertParallel && choice.tensorParallel > 1 && mixture) yield { expertParallel: true };
  const several = hardware.count === null || hardware.count > choice.gpus;
  if (engine.disaggregated === null && load.rate !== null && gpu.kind === 'datacenter' && several) {
    yield { disaggregated: { prefillReplicas: 1, decodeReplicas: 1 } };
  }
}
