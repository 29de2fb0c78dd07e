/**
 * The KV blocks of a scenario's replica, or one sentence that says what does not fit and the nearest that does.
 *
 * Boundary: looks up records and words refusals; the accounting is in budget.ts.
 */
import { findGpu, knownGpus, usableMemoryBytes, type GpuRecord } from '../hardware/records.ts';
import { findArchitecture, type Architecture } from '../model/architecture.ts';
import type { Cluster, SimEngine, SimHardware } from '../scenario/simulate/schema.ts';
import { PAGED_SCHEDULERS } from '../schedule/index.ts';
import { tensorRanks } from './stages.ts';
import { memoryBudget, type MemoryBudget, type NoMemoryBudget, type ReplicaMemory } from './budget.ts';

/** What of a scenario its memory depends on. */
export interface BudgetScenario {
  readonly model: string;
  readonly hardware: SimHardware;
  readonly engine: Pick<
    SimEngine,
    'weights' | 'kvFormat' | 'blockSize' | 'tokenBudget' | 'maxSequences' | 'scheduler' | 'speculation'
  >;
  readonly cluster: Pick<Cluster, 'tiers'>;
}

export interface BudgetRefusal {
  readonly ok: false;
  readonly sentence: string;
}

export type ReplicaBudget = MemoryBudget | BudgetRefusal;

/** Whether the scenario's engine does not know windows: its KV goes to tiers, or is reserved in one piece. */
export function keepsEveryToken({ engine, cluster }: Pick<BudgetScenario, 'engine' | 'cluster'>): boolean {
  return cluster.tiers.length > 0 || !PAGED_SCHEDULERS[engine.scheduler];
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

function memoryOf(
  { hardware, engine, cluster }: BudgetScenario,
  model: Architecture,
  gpu: GpuRecord,
): ReplicaMemory {
  const { tensorParallel, pipelineParallel, memoryUtilization } = hardware;
  const { weights, kvFormat, blockSize, tokenBudget, maxSequences } = engine;
  return {
    model,
    gpu,
    tensorParallel,
    pipelineParallel,
    memoryUtilization,
    weights,
    kvFormat,
    blockSize,
    tokenBudget,
    maxSequences,
    everyToken: keepsEveryToken({ engine, cluster }),
    // A draft that takes a share c of the target's time reads a share c of its bytes, both being bound by memory. Assumed.
    draftShare: engine.speculation?.draftCost ?? 0,
  };
}

/** Share of the memory that engines are given at the most: the rest is what other programs and the driver take. */
const MOST_UTILIZATION = 0.95;

/** The least share above `from`, in hundredths, that fits. */
function leastUtilization(from: number, fits: (utilization: number) => boolean): number | undefined {
  for (let n = Math.floor(from * 100 + 1e-9) + 1; n <= MOST_UTILIZATION * 100; n++) {
    if (fits(n / 100)) return n / 100;
  }
  return undefined;
}

/** One setting changed at a time: the least change that fits, of each setting that can make it fit. */
function remedies(memory: ReplicaMemory): string[] {
  const fits = (change: Partial<ReplicaMemory>): boolean => memoryBudget({ ...memory, ...change }).ok;
  const found: string[] = [];
  const utilization = leastUtilization(memory.memoryUtilization, (n) => fits({ memoryUtilization: n }));
  if (utilization !== undefined) found.push(`hardware.memoryUtilization ${utilization}`);
  const ranks = tensorRanks(memory.model).find(
    (n) => n > memory.tensorParallel && fits({ tensorParallel: n }),
  );
  if (ranks !== undefined) found.push(`hardware.tensorParallel ${ranks}`);
  const formats =
    memory.gpu.serving.fp8MatrixTflops === null ? (['int4'] as const) : (['fp8', 'int4'] as const);
  const weights = formats.find((format) => fits({ weights: format }));
  if (weights !== undefined) found.push(`engine.weights ${weights}`);
  const sequences = [1024, 256, 64, 16].find((n) => n < memory.maxSequences && fits({ maxSequences: n }));
  if (sequences !== undefined) found.push(`engine.maxSequences ${sequences}`);
  const larger = [...knownGpus()]
    .sort((a, b) => usableMemoryBytes(a) - usableMemoryBytes(b))
    .find((gpu) => gpu.kind === 'datacenter' && fits({ gpu }));
  if (larger && found.length === 0) found.push(`hardware.gpu ${larger.id}`);
  return found;
}

function refusal(
  memory: ReplicaMemory,
  { needBytes, haveBytes, weightBytes }: NoMemoryBudget,
): BudgetRefusal {
  const { model, gpu, tensorParallel, pipelineParallel, memoryUtilization, weights } = memory;
  const group = tensorParallel * pipelineParallel;
  const each = group === 1 ? '' : ` on each of ${group} GPUs`;
  const found = remedies(memory);
  const remedy =
    found.length === 0
      ? 'no GPU here takes it alone; raise hardware.tensorParallel and hardware.pipelineParallel'
      : `the nearest that works is ${found.join(', or ')}`;
  return {
    ok: false,
    sentence:
      `${model.name} needs ${gigabytes(needBytes)}${each} (${gigabytes(weightBytes)} of it ${weights} weights) for one KV block, ` +
      `more than the ${gigabytes(haveBytes)} that ${gpu.name} has at hardware.memoryUtilization ${memoryUtilization}; ${remedy}.`,
  };
}

/** KV blocks of one replica: the scenario's own number if it has one, else what the memory leaves. */
export function replicaBudget(scenario: BudgetScenario): ReplicaBudget {
  const model = findArchitecture(scenario.model);
  if (!model)
    return { ok: false, sentence: `The model “${scenario.model}” is not known; choose another one.` };
  const gpu = findGpu(scenario.hardware.gpu);
  if (!gpu)
    return { ok: false, sentence: `The GPU “${scenario.hardware.gpu}” is not known; choose another one.` };
  const memory = memoryOf(scenario, model, gpu);
  const budget = memoryBudget(memory, scenario.hardware.kvBlocks);
  return budget.ok ? budget : refusal(memory, budget);
}
