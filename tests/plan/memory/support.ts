/** Candidates and subjects of the memory tests: the default plan on one H100, with changes. */
import { findGpu, type GpuRecord } from '../../../src/core/hardware/records.ts';
import { findArchitecture, type Architecture } from '../../../src/core/model/architecture.ts';
import type { PlanChoice } from '../../../src/core/run/plan.ts';
import { DEFAULT_PLAN } from '../../../src/core/scenario/plan/defaults.ts';
import type { PlanScenario } from '../../../src/core/scenario/plan/schema.ts';
import type { Candidate, PlanSubject } from '../../../src/plan/types.ts';

export function knownGpu(id: string): GpuRecord {
  const gpu = findGpu(id);
  if (!gpu) throw new Error(`No GPU ${id}.`);
  return gpu;
}

export function knownModel(name: string): Architecture {
  const model = findArchitecture(name);
  if (!model) throw new Error(`No architecture ${name}.`);
  return model;
}

const CHOICE: PlanChoice = {
  model: 'llama-3.1-8b',
  gpu: 'h100-sxm',
  gpuName: 'H100',
  gpus: 1,
  replicas: 1,
  tensorParallel: 1,
  pipelineParallel: 1,
  expertParallel: false,
  engine: 'vllm',
  engineVersion: '0.19.0',
  weights: 'bf16',
  kvFormat: 'bf16',
  blockSize: 16,
  memoryUtilization: 0.95,
  tokenBudget: 8192,
  maxSequences: 1024,
  maxModelTokens: 8192,
  prefixCaching: false,
  offloadGB: 0,
  speculation: null,
  disaggregated: null,
};

export function candidate(change: Partial<PlanChoice> = {}, gpu = 'h100-sxm'): Candidate {
  return { choice: { ...CHOICE, gpu, ...change }, gpu: knownGpu(gpu) };
}

export function subject(model = 'Llama-3.1-8B', change: Partial<PlanScenario> = {}): PlanSubject {
  return { scenario: { ...DEFAULT_PLAN, ...change }, model: knownModel(model) };
}
