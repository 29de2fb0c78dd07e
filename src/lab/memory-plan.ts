/**
 * The memory of one experiment, counted before anything is allocated. The engine allocates by the same functions, so
 * what the risk says is what the run takes.
 *
 * Boundary: our own buffers. What a driver adds for pipelines, alignment and command buffers is unknown to everybody.
 */
import { SNAPKV_WINDOW_TOKENS } from '../core/eviction/snapkv.ts';
import { POLICIES } from '../core/eviction/policies.ts';
import { kvLayout, type KvLayout } from '../core/kv/formats.ts';
import { longestContext, sequencesOf, type SequencePlan } from '../core/scenario/rules.ts';
import type { Scenario } from '../core/scenario/schema.ts';
import { ringBytes } from './kv-bytes.ts';

const MIB = 1_048_576;
/** Random K, V and queries are prepared in up to this many sets, which steps take in turn. */
const SOURCE_SETS = 4;
const SOURCE_BYTES = 64 * MIB;
/** Workgroups that a GPU's decode tuning aims at; bounds the partial results of split contexts. */
const TARGET_WORKGROUPS = 1024;

/** Uniforms hold an upper bound of the context; in steps of this they recur, and with them the bind groups. */
export const CONTEXT_STEP = 128;

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
  return engine.eviction.policy !== 'none' && POLICIES[engine.eviction.policy].frees;
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
  const residualBytesPerLayer = batch * ringBytes(layout, engine.residualTokens);
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
    splitRows * queryHeads * (headDim + 2) * 4 + scoreBytes(scenario, maxContextTokens, batch, blocks);

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
    const atRest = sequences.map((sequence, i) => Math.min(full[i] ?? 0, blocksAtRest(scenario, sequence)));
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

/** Most blocks of a sequence behind its prompt: the budget, and what comes before the next eviction. */
function blocksAtRest({ engine }: Scenario, { outputTokens }: SequencePlan): number {
  const { blockSize, eviction } = engine;
  const grows = POLICIES[eviction.policy].when === 'prefill' ? outputTokens : blockSize;
  // Whole blocks are kept at either edge where blocks leave, not tokens.
  const edges = POLICIES[eviction.policy].unit === 'block' ? 2 : 0;
  return Math.ceil((eviction.budgetTokens + grows) / blockSize) + 1 + edges;
}

/** Scores, votes, page bounds: what choosing tokens takes. An upper bound; exact only for the large parts. */
function scoreBytes(scenario: Scenario, maxContextTokens: number, batch: number, blocks: number): number {
  const { model, engine } = scenario;
  const { layers, queryHeads, kvHeads, headDim } = model;
  const { signal } = POLICIES[engine.eviction.policy];
  const perHead = batch * kvHeads * maxContextTokens * 4;
  const probabilities = batch * queryHeads * maxContextTokens * 4;
  const moves = batch * kvHeads * engine.eviction.budgetTokens * 12;
  const chunks = Math.ceil(maxContextTokens / 64);
  const voting = (queries: number): number => batch * queryHeads * queries * chunks * 8;
  switch (signal) {
    case 'none':
      return 0;
    case 'attention-sum':
      return probabilities + layers * perHead + moves + voting(engine.prefillChunkTokens);
    case 'last-attention':
      return probabilities + perHead + moves;
    case 'window-votes':
      return (layers + 1) * perHead + moves + voting(SNAPKV_WINDOW_TOKENS);
    case 'key-norm':
    case 'value-key-ratio':
    // Of these two no scenario makes use yet; one score a token of a head is what they would take.
    case 'key-difference':
    case 'expected-attention':
      return perHead + moves;
    case 'page-bound':
      return layers * blocks * kvHeads * 2 * headDim * 4 + moves;
    default:
      return signal satisfies never;
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
