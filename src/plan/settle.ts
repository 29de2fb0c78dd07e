/**
 * From a scenario to candidates: every setting that it leaves open gets a value. The engine's own defaults where they fit,
 * the nearest below them where they do not; nothing is measured or compared here.
 */
import type { GpuRecord } from '../core/hardware/records.ts';
import { usableMemoryBytes } from '../core/hardware/records.ts';
import { tensorRanks } from '../core/kv/stages.ts';
import type { PlanChoice } from '../core/run/plan.ts';
import type { PlanEngineName } from '../core/scenario/plan/schema.ts';
import { defaultUtilization, memoryFits, overheadsOf } from './memory/index.ts';
import { mostRanks } from './ranks.ts';
import { releasedWeights } from './support.ts';
import type { Candidate, LoadLengths, PlanSubject } from './types.ts';

/** What tells candidates of one GPU apart. */
export interface Settings {
  readonly tensorParallel: number;
  readonly pipelineParallel: number;
  readonly weights: PlanChoice['weights'];
  readonly kvFormat: PlanChoice['kvFormat'];
  readonly tokenBudget: number;
  readonly maxSequences: number;
  readonly prefixCaching: boolean;
}

interface StepDefaults {
  readonly tokenBudget: number;
  readonly maxSequences: number;
}

const LARGE_GPU_BYTES = 70 * 2 ** 30;

/**
 * Tokens and sequences of a step that an engine takes unless told. vLLM: engine/arg_utils.py (70 GiB and more, A100 aside:
 * 8,192 and 1,024 for a server); SGLang: chunked_prefill_size of server_args.py; TensorRT-LLM: max_num_tokens and
 * max_batch_size of BuildConfig; llama.cpp: -b and -np of common/arg.cpp.
 */
export function stepDefaults(engine: PlanEngineName, gpu: GpuRecord): StepDefaults {
  const large = usableMemoryBytes(gpu) >= LARGE_GPU_BYTES && !gpu.id.startsWith('a100');
  switch (engine) {
    case 'vllm':
      return large ? { tokenBudget: 8192, maxSequences: 1024 } : { tokenBudget: 2048, maxSequences: 256 };
    case 'sglang':
      return { tokenBudget: large ? 8192 : 2048, maxSequences: large ? 1024 : 256 };
    case 'tensorrt-llm':
      return { tokenBudget: 8192, maxSequences: large ? 1024 : 256 };
    case 'llama.cpp':
      return { tokenBudget: 2048, maxSequences: 16 };
    default:
      return engine satisfies never;
  }
}

/** Slots of one KV block where the engine is not told. */
const BLOCK_SIZES: Record<PlanEngineName, number> = {
  vllm: 16,
  sglang: 1,
  'tensorrt-llm': 32,
  'llama.cpp': 1,
};

/** Longest request that the engine is started for: the load's, in whole hundreds, within the model. */
export function modelTokens({ scenario, model }: PlanSubject, lengths: LoadLengths): number {
  const given = scenario.engine.maxModelTokens;
  if (given !== null) return given;
  const needed = Math.ceil((lengths.maxPrompt + lengths.maxOutput) / 128) * 128;
  return Math.max(1, Math.min(needed, model.maxPositionTokens));
}

/** Sequences of a step, falling: the engine's own, then fewer, for GPUs where those leave no room. */
export function sequenceSteps(from: number): number[] {
  return [from, 512, 256, 128, 64, 32, 16, 8, 4, 2, 1].filter((n, i) => i === 0 || n < from);
}

/** One replica of the settings on a GPU. */
export function candidateOf(
  { scenario }: PlanSubject,
  gpu: GpuRecord,
  settings: Settings,
  maxModelTokens: number,
): Candidate {
  const { hardware, engine } = scenario;
  const overheads = overheadsOf(engine.name, engine.version);
  const { tensorParallel, pipelineParallel } = settings;
  const choice: PlanChoice = {
    model: scenario.architecture?.id ?? scenario.model,
    gpu: gpu.id,
    gpuName: gpu.name,
    gpus: tensorParallel * pipelineParallel,
    replicas: 1,
    tensorParallel,
    pipelineParallel,
    expertParallel: hardware.expertParallel,
    engine: engine.name,
    engineVersion: engine.version ?? overheads.version,
    weights: settings.weights,
    kvFormat: settings.kvFormat,
    blockSize: engine.blockSize ?? BLOCK_SIZES[engine.name],
    memoryUtilization:
      engine.memoryUtilization ??
      defaultUtilization(engine.name, engine.version, gpu, tensorParallel * pipelineParallel),
    tokenBudget: settings.tokenBudget,
    maxSequences: settings.maxSequences,
    maxModelTokens,
    prefixCaching: settings.prefixCaching,
    offloadGB: engine.offloadGB ?? 0,
    speculation: engine.speculation,
    // How many of each phase follows from the load; the memory and the times ask only whether.
    disaggregated: engine.disaggregated === true ? { prefillReplicas: 1, decodeReplicas: 1 } : null,
  };
  return { choice, gpu };
}

/** Tensor × pipeline groups to look at, smallest first. */
export function groupsOf({ scenario, model }: PlanSubject, gpu: GpuRecord): (readonly [number, number])[] {
  const { tensorParallel, pipelineParallel, count } = scenario.hardware;
  const most = Math.min(count ?? Infinity, scenario.constraints.maxGpus ?? Infinity);
  const ranks = tensorParallel !== null ? [tensorParallel] : powersOfTwo(mostRanks(gpu), tensorRanks(model));
  const top = ranks.at(-1) ?? 1;
  const stages = pipelineParallel !== null ? [pipelineParallel] : gpu.kind === 'datacenter' ? [1, 2, 4] : [1];
  return stages
    .flatMap((stage) => ranks.map((rank) => [rank, stage] as const))
    .filter(([rank, stage]) => {
      const group = rank * stage;
      if (count !== null && count % group !== 0) return false;
      // Pipelines of servers: only whole ones are put in a row.
      return group <= most && (stage === 1 || pipelineParallel !== null || rank === top);
    })
    .sort((a, b) => a[0] * a[1] - b[0] * b[1]);
}

function powersOfTwo(most: number, allowed: readonly number[]): number[] {
  return [1, 2, 4, 8].filter((n) => n <= most && allowed.includes(n));
}

export function givenWeights({ scenario, model }: PlanSubject): PlanChoice['weights'] {
  return scenario.engine.weights ?? releasedWeights(model);
}

/** The candidate with as many sequences a step, up to what is asked, as leave room; null where nothing fits. */
export function fitting(subject: PlanSubject, candidate: Candidate): Candidate | null {
  const { scenario } = subject;
  const { choice } = candidate;
  const sequences =
    scenario.engine.maxSequences === null ? sequenceSteps(choice.maxSequences) : [choice.maxSequences];
  const budgets =
    scenario.engine.tokenBudget === null ? [choice.tokenBudget, 2048, 512] : [choice.tokenBudget];
  const at = (tokenBudget: number, maxSequences: number): Candidate => ({
    ...candidate,
    choice: { ...choice, tokenBudget, maxSequences },
  });
  // The smallest step of all tells at once whether any leaves room.
  const least = at(Math.min(choice.tokenBudget, ...budgets), sequences.at(-1) ?? 1);
  if (!memoryFits(least, subject)) return null;
  for (const tokenBudget of budgets) {
    if (tokenBudget > choice.tokenBudget) continue;
    for (const maxSequences of sequences) {
      const tried = at(tokenBudget, maxSequences);
      if (memoryFits(tried, subject)) return tried;
    }
  }
  return null;
}
