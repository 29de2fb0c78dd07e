/** Candidates for tests of the planner's speed. */
import { findGpu } from '../../../src/core/hardware/records.ts';
import { findArchitecture } from '../../../src/core/model/architecture.ts';
import { DEFAULT_PLAN } from '../../../src/core/scenario/plan/defaults.ts';
import type { PlanChoice } from '../../../src/core/run/plan.ts';
import type { Candidate, LoadLengths, PlanSubject } from '../../../src/plan/types.ts';

export function candidateFor(
  model: string,
  gpu: string,
  choice: Partial<PlanChoice> = {},
): { readonly candidate: Candidate; readonly subject: PlanSubject } {
  const architecture = findArchitecture(model);
  const record = findGpu(gpu);
  if (!architecture || !record) throw new Error(`No record of ${model} or ${gpu}.`);
  const whole: PlanChoice = {
    model: architecture.id,
    gpu: record.id,
    gpuName: record.name,
    gpus: 1,
    replicas: 1,
    tensorParallel: 1,
    pipelineParallel: 1,
    expertParallel: false,
    engine: 'vllm',
    engineVersion: '0.19',
    weights: 'bf16',
    kvFormat: 'bf16',
    blockSize: 16,
    memoryUtilization: 0.9,
    tokenBudget: 8192,
    maxSequences: 256,
    maxModelTokens: 8192,
    prefixCaching: false,
    offloadGB: 0,
    speculation: null,
    disaggregated: null,
    ...choice,
  };
  return {
    candidate: { choice: whole, gpu: record },
    subject: { scenario: { ...DEFAULT_PLAN, model: architecture.id }, model: architecture },
  };
}

export function fixedLengths(prompt: number, output: number): LoadLengths {
  return {
    meanPrompt: prompt,
    maxPrompt: prompt,
    meanOutput: output,
    maxOutput: output,
    spread: 0,
    totals: [prompt + output],
  };
}
