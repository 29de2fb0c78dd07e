/**
 * KV blocks of one replica: what its memory leaves beside weights and activations, by vLLM's accounting.
 *
 *   requested = usable memory · utilization
 *   KV bytes  = requested − weights − activation peak − everything else, on each rank; the tightest rank decides
 *   pool      = KV bytes / (page · layers of a group)
 *
 * The activation peak is that of the profiling run: the larger of a forward pass of the token budget (aiconfigurator's
 * rule) and of sampling for the most sequences. "Everything else" is the CUDA context and captured graphs, and NCCL.
 * Constants have their sources beside them; tests/core/kv/replica-budget.test.ts holds the result to logged capacities.
 *
 * One version's accounting, the one that recorded engines are replayed with. What other engines and versions take, term by
 * term, is the planner's (src/plan/memory).
 *
 * Left out: LoRA adapters, encoders, memory of other processes, fragmentation of the allocator.
 */
import { usableMemoryBytes, type GpuRecord } from '../hardware/records.ts';
import type { Architecture } from '../model/architecture.ts';
import type { ServedWeightFormat } from '../model/parameters.ts';
import { kvGroups, mostSequenceBlocks, reportedTokens, type KvGroups } from './hybrid.ts';
import { modelBytesPerToken, type ServedKvFormat } from './layers.ts';
import { stagesOf, type Stage } from './stages.ts';

export interface ReplicaMemory {
  readonly model: Architecture;
  readonly gpu: GpuRecord;
  readonly tensorParallel: number;
  readonly pipelineParallel: number;
  readonly memoryUtilization: number;
  readonly weights: ServedWeightFormat;
  readonly kvFormat: ServedKvFormat;
  readonly blockSize: number;
  /** Tokens and sequences of one step: what the profiling run runs. */
  readonly tokenBudget: number;
  readonly maxSequences: number;
  /** Windows are not known to the engine (GroupOptions). */
  readonly everyToken?: boolean;
  /**
   * A draft model beside it, as a share of the model: of its weights and of its KV. Its K and V lie in the same blocks.
   */
  readonly draftShare?: number;
}

export interface MemoryBudget {
  readonly ok: true;
  /** Blocks of the pool, each a page of one group of layers; and these groups. */
  readonly kvBlocks: number;
  readonly groups: KvGroups;
  /** Tokens that the engine prints as its capacity: of sequences that keep every token in every group. */
  readonly reportedTokens: number;
  /** Bytes of a block on the tightest rank. */
  readonly blockBytes: number;
  /** Bytes that a token adds on one rank of a whole pipeline, and on all GPUs of the replica, copies included. */
  readonly kvBytesPerToken: number;
  readonly replicaKvBytesPerToken: number;
  /** On the tightest rank. */
  readonly usableBytes: number;
  readonly requestedBytes: number;
  readonly weightBytes: number;
  readonly activationBytes: number;
  readonly otherBytes: number;
  readonly kvBytes: number;
  /** Longest sequence that the pool holds alone. */
  readonly longestTokens: number;
}

export interface NoMemoryBudget {
  readonly ok: false;
  /** What does not fit, by how much. The nearest that works is replica-budget.ts's to say. */
  readonly needBytes: number;
  readonly haveBytes: number;
  readonly weightBytes: number;
}

/** aiconfigurator's factor of the forward pass's peak by ranks (2 · tokens · hidden · c). */
const ACTIVATION_FACTORS: readonly [ranks: number, factor: number][] = [
  [1, 10],
  [2, 6],
  [4, 5],
];
/** Smallest peak that aiconfigurator reckons with. */
const LEAST_ACTIVATION_BYTES = 70 * 2 ** 20;
/**
 * Peak of sampling: f32 logits, their sorted copy and 64-bit indices of each sequence and word. Two runs on an H100 show
 * 15.4 and 15.2 B (1.89 GiB for 1,024 × 128,256 and 2.21 GiB for 1,024 × 152,064).
 */
const SAMPLING_BYTES = 15.3;
/** What CUDA and the libraries take outside of the allocator: 0.24 and 0.25 GiB in the same two runs. */
const CONTEXT_BYTES = 0.25 * 2 ** 30;
/** Captured graphs: what the RTX 4090 run of vLLM 0.19.0 shows beside the others (0.43 GiB). */
const GRAPH_BYTES = 0.43 * 2 ** 30;
/** NCCL's buffers (aiconfigurator): two ranks, more. */
const NCCL_BYTES = { two: 342 * 2 ** 20, more: 392 * 2 ** 20 } as const;

/** Peak of activations of a forward pass on one rank. */
export function forwardActivationBytes(model: Architecture, tokens: number, ranks: number): number {
  const factor = ACTIVATION_FACTORS.findLast(([least]) => ranks >= least)?.[1] ?? 10;
  const experts = Math.max(
    0,
    ...model.kinds.map(({ mlp }) =>
      mlp.kind === 'experts' ? mlp.activeExperts * ((2 * mlp.intermediate) / ranks + model.hidden) : 0,
    ),
  );
  return Math.max(LEAST_ACTIVATION_BYTES, 2 * tokens * (model.hidden * factor + experts));
}

export function activationBytes({ model, tokenBudget, maxSequences, tensorParallel }: ReplicaMemory): number {
  const sampling = SAMPLING_BYTES * Math.min(maxSequences, tokenBudget) * model.vocab;
  return Math.max(forwardActivationBytes(model, tokenBudget, tensorParallel), sampling);
}

export function otherBytes(ranks: number): number {
  const nccl = ranks === 1 ? 0 : ranks === 2 ? NCCL_BYTES.two : NCCL_BYTES.more;
  return CONTEXT_BYTES + GRAPH_BYTES + nccl;
}

/** KV bytes that a stage's ranks have left; negative where not even the weights fit. */
function leftBytes(memory: ReplicaMemory, { weightBytes }: Stage): number {
  const ranks = memory.tensorParallel * memory.pipelineParallel;
  const requested = usableMemoryBytes(memory.gpu) * memory.memoryUtilization;
  const weights = weightBytes * (1 + (memory.draftShare ?? 0));
  return requested - weights - activationBytes(memory) - otherBytes(ranks);
}

/** @param kvBlocks instead of what the memory leaves, as a scenario may say; the weights must fit all the same */
export function memoryBudget(
  memory: ReplicaMemory,
  kvBlocks: number | null = null,
): MemoryBudget | NoMemoryBudget {
  const { model, blockSize, kvFormat, tensorParallel, pipelineParallel, everyToken } = memory;
  const sharding = { format: kvFormat, tensorParallel };
  const groups = kvGroups(model, { ...sharding, everyToken }, blockSize);
  const pageBytes = groups.blockBytes * (1 + (memory.draftShare ?? 0));
  const stages = stagesOf(model, memory);
  const left = stages.map((stage) => leftBytes(memory, stage));
  // Each stage keeps its share of every group's layers; the one that affords the fewest blocks decides.
  const pools = stages.map(({ share }, i) => (left[i] ?? 0) / (pageBytes * share));
  const tightest = pools.indexOf(Math.min(...pools));
  const stage = stages[tightest];
  const pool = Math.floor(pools[tightest] ?? 0);
  const requestedBytes = usableMemoryBytes(memory.gpu) * memory.memoryUtilization;
  const activations = activationBytes(memory);
  const others = otherBytes(tensorParallel * pipelineParallel);
  if (!stage || (kvBlocks === null ? pool < 1 : requestedBytes < stage.weightBytes)) {
    const weightBytes = stage?.weightBytes ?? 0;
    const need = weightBytes + activations + others + pageBytes * (stage?.share ?? 1);
    return { ok: false, needBytes: need, haveBytes: requestedBytes, weightBytes };
  }
  const blocks = kvBlocks ?? pool;
  const perToken = modelBytesPerToken(model, sharding);
  return {
    ok: true,
    kvBlocks: blocks,
    groups,
    reportedTokens: reportedTokens(blocks, groups),
    blockBytes: pageBytes * stage.share,
    kvBytesPerToken: perToken,
    replicaKvBytesPerToken: perToken * tensorParallel,
    usableBytes: usableMemoryBytes(memory.gpu),
    requestedBytes,
    weightBytes: stage.weightBytes,
    activationBytes: activations,
    otherBytes: others,
    kvBytes: blocks * pageBytes * stage.share,
    longestTokens: longestTokens(blocks, groups, model.maxPositionTokens, memory.tokenBudget),
  };
}

/** Longest sequence of the model whose blocks the pool holds, by halving: blocks never fall as a sequence grows. */
function longestTokens(poolBlocks: number, groups: KvGroups, most: number, tokenBudget: number): number {
  let fits = 0;
  let tooLong = most + 1;
  while (tooLong - fits > 1) {
    const middle = Math.floor((fits + tooLong) / 2);
    if (mostSequenceBlocks(groups, middle, tokenBudget) <= poolBlocks) fits = middle;
    else tooLong = middle;
  }
  return fits;
}
