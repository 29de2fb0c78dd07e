/**
 * The memory of one experiment, counted before anything is allocated. The engine allocates by the same functions, so
 * what the risk says is what the run takes.
 *
 * Boundary: our own buffers. What a driver adds for pipelines, alignment and command buffers is unknown to everybody.
 */
import { kvLayout, type KvLayout } from '../core/kv/formats.ts';
import { longestContext, sequencesOf, type SequencePlan } from '../core/scenario/rules.ts';
import type { Scenario } from '../core/scenario/schema.ts';

const MIB = 1_048_576;
/** Random K, V and queries are prepared in up to this many sets, which steps take in turn. */
const SOURCE_SETS = 4;
const SOURCE_BYTES = 64 * MIB;
/** Workgroups that a GPU's decode tuning aims at; bounds the partial results of split contexts. */
const TARGET_WORKGROUPS = 1024;

export interface MemoryPlan {
  readonly layout: KvLayout;
  readonly sequences: readonly SequencePlan[];
  /** Blocks of each layer's pool. */
  readonly blocks: number;
  /** Entries of one sequence's block table; the reservation of one sequence in blocks under `contiguous`. */
  readonly tableStride: number;
  /** Longest context that attention is asked for. */
  readonly maxContextTokens: number;
  /** Tokens of the largest prefill chunk. */
  readonly chunkTokens: number;
  readonly sourceSets: number;
  readonly poolBytesPerLayer: number;
  readonly residualBytesPerLayer: number;
  /** Pools and residuals of all layers. */
  readonly kvBytes: number;
  /** Queries, new keys and values, outputs, tables. */
  readonly stagingBytes: number;
  /** Partial results of attention, scores of eviction. */
  readonly workspaceBytes: number;
  readonly totalBytes: number;
  /** Largest single buffer. */
  readonly largestBufferBytes: number;
}

/** Tokens in the cache when the sequence ends: the last output is never appended. */
export function storedTokens({ promptTokens, outputTokens }: SequencePlan): number {
  return promptTokens + outputTokens - 1;
}

/** Prompt tokens that may come from another sequence: all but the last, whose output is asked for. */
export function sharableTokens({ promptTokens }: SequencePlan): number {
  return promptTokens - 1;
}

/** Policies that remove tokens; Quest only chooses which pages are read. */
export function evicts({ engine }: Scenario): boolean {
  return engine.eviction.policy !== 'none' && engine.eviction.policy !== 'quest';
}

/** Tokens above the budget at which an eviction begins: one block, so that it frees one. */
export function evictionSlack({ engine }: Scenario): number {
  return engine.blockSize;
}

/** @throws RangeError where the format does not allow the shape. */
export function planMemory(scenario: Scenario): MemoryPlan {
  const { model, engine, workload } = scenario;
  const { kvHeads, queryHeads, headDim, layers } = model;
  const layout = kvLayout(engine.kvFormat, { kvHeads, headDim, blockSize: engine.blockSize });
  const sequences = sequencesOf(workload);
  const batch = sequences.length;
  const maxContextTokens = Math.max(...sequences.map(storedTokens));
  const tableStride = Math.ceil(reservedTokens(scenario) / engine.blockSize);
  const blocks = engine.layout === 'contiguous' ? batch * tableStride : pagedBlocks(scenario, sequences);

  const poolBytesPerLayer = blocks * layout.blockBytes;
  const residualBytesPerLayer =
    engine.kvFormat === 'int2' ? batch * 2 * kvHeads * engine.residualTokens * headDim * 2 : 0;
  const kvBytes = layers * (poolBytesPerLayer + residualBytesPerLayer);

  const longestPrompt = Math.max(...sequences.map(({ promptTokens }) => promptTokens));
  const chunkTokens = Math.min(engine.prefillChunkTokens, longestPrompt);
  const rowBytes = headDim * 4;
  const sourceRows = Math.max(chunkTokens, batch);
  const sourceSetBytes = sourceRows * (2 * kvHeads + queryHeads) * rowBytes;
  const sourceSets = Math.max(1, Math.min(SOURCE_SETS, Math.floor(SOURCE_BYTES / sourceSetBytes)));
  const outputBytes = sourceRows * queryHeads * rowBytes;
  const tableBytes = batch * (tableStride + 4) * 4 + sourceRows * 8;
  const stagingBytes = sourceSets * sourceSetBytes + outputBytes + tableBytes;

  const splitRows = Math.ceil(TARGET_WORKGROUPS / kvHeads) + batch;
  const workspaceBytes =
    splitRows * queryHeads * (headDim + 2) * 4 + scoreBytes(scenario, maxContextTokens, batch);

  return {
    layout,
    sequences,
    blocks,
    tableStride,
    maxContextTokens,
    chunkTokens,
    sourceSets,
    poolBytesPerLayer,
    residualBytesPerLayer,
    kvBytes,
    stagingBytes,
    workspaceBytes,
    totalBytes: kvBytes + stagingBytes + workspaceBytes,
    largestBufferBytes: Math.max(poolBytesPerLayer, residualBytesPerLayer, outputBytes),
  };
}

function reservedTokens({ engine, workload }: Scenario): number {
  const longest = longestContext(workload);
  return engine.layout === 'contiguous' ? Math.max(engine.maxContextTokens, longest) : longest;
}

/** All sequences at their longest at once, the shared prefix once; an evicted sequence keeps its budget only. */
function pagedBlocks(scenario: Scenario, sequences: readonly SequencePlan[]): number {
  const { engine, workload } = scenario;
  const { blockSize } = engine;
  const blocksOf = (tokens: number) => Math.ceil(tokens / blockSize);
  const full = sequences.map((sequence) => blocksOf(storedTokens(sequence)));
  if (evicts(scenario)) {
    const kept = blocksOf(engine.eviction.budgetTokens + evictionSlack(scenario)) + 1;
    const atRest = full.map((blocks) => Math.min(blocks, kept));
    // One sequence at a time is whole: while its prompt is read in, before the first eviction.
    const whole = Math.max(...full.map((blocks, i) => blocks - (atRest[i] ?? 0)));
    return sum(atRest) + whole;
  }
  // The last shared block is copied on write where the prefix ends inside it.
  const prefix = Math.min(workload.sharedPrefixTokens, ...sequences.map(sharableTokens));
  const shared = Math.floor(prefix / blockSize);
  const endsInside = prefix % blockSize === 0 ? 0 : 1;
  return sum(full) - (sequences.length - 1) * shared + (sequences.length > 1 ? endsInside : 0);
}

function scoreBytes({ model, engine }: Scenario, maxContextTokens: number, batch: number): number {
  if (engine.eviction.policy === 'none' || engine.eviction.policy === 'streaming-llm') return 0;
  const scores = batch * model.queryHeads * maxContextTokens * 4;
  const accumulated = model.layers * batch * model.kvHeads * maxContextTokens * 4;
  return scores + accumulated;
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
