/**
 * The engine as the laboratory, the page and the command line drive it: requests in, tokens and times out.
 *
 * One engine is one loaded model, one paged cache and one scheduler (core/schedule/vllm.ts), the simulator's own. Whoever
 * drives it calls `step` until it answers null; `generate` does that for one request.
 */
import type { KvFormat } from '../core/kv/formats.ts';
import type { EvictionPolicyName, Tier } from '../core/scenario/schema.ts';

export interface EngineSettings {
  readonly kvFormat: KvFormat;
  readonly blockSize: number;
  readonly numBlocks: number;
  readonly maxSequences: number;
  /** Tokens of one step. */
  readonly tokenBudget: number;
  /** Most prompt tokens of one request in a step; 0: no limit. */
  readonly longPrefillTokens: number;
  /** Longest prompt + output. */
  readonly maxContextTokens: number;
  readonly prefixCaching: boolean;
  /** contiguous: every sequence reserves maxContextTokens, as engines before paging did. */
  readonly layout: 'paged' | 'contiguous';
  readonly tier: Exclude<Tier, 'cpu'>;
  readonly eviction: { readonly policy: EvictionPolicyName; readonly budgetTokens: number };
  /** Newest tokens that int2 keeps in f16. */
  readonly residualTokens: number;
  /** What becomes of a preempted sequence's KV, and of evicted prefix blocks. */
  readonly offload: 'none' | 'host';
  /** Host memory for it. */
  readonly hostBytes: number;
  /** Seeds the order in which the pool gives out its blocks; 0: ascending. */
  readonly shuffleSeed: number;
  /** Blocks beyond numBlocks, given out against credits only (core/kv/block-credits.ts). Left out: none. */
  readonly spareBlocks?: number;
  /** False: a step is planned when the one before it is done, even where it could be planned before. */
  readonly planAhead?: boolean;
}

export interface Sampling {
  /** 0: the most probable token. */
  readonly temperature: number;
  readonly topP: number;
  /** 0: all. */
  readonly topK: number;
  readonly seed: number;
}

export interface GenerationRequest {
  readonly promptIds: readonly number[];
  readonly maxTokens: number;
  readonly sampling: Sampling;
  /** Tokens that end it; left out: the model's own. */
  readonly stopTokens?: readonly number[];
  /** Teacher forcing: token i of the output is forced[i], whatever the logits say; where it is left out, the model's own. */
  readonly forced?: readonly number[];
  /** Called with the logits of each of its sampled positions (f32 [vocab], valid during the call). */
  readonly onLogits?: (index: number, logits: Float32Array) => void;
  /** Continues another request that runs: shares its prompt's blocks, copying the last one (parallel samples). */
  readonly forkOf?: number;
}

export interface RequestEvent {
  readonly request: number;
  readonly token: number;
  /** Position in the output, from 0. */
  readonly index: number;
  readonly finished: 'no' | 'length' | 'stop' | 'cancelled';
}

/** One step that was executed. Times in milliseconds on the engine's clock (`now` of its options). */
export interface StepReport {
  readonly step: number;
  readonly startMs: number;
  readonly endMs: number;
  /** GPU clock; null where there is none. */
  readonly gpuMs: number | null;
  readonly decodeSequences: number;
  readonly decodeContextTokens: number;
  readonly prefillTokens: number;
  /** Prompt chunks of the step. */
  readonly prefillChunks: number;
  /** (query, key) pairs of their causal attention: c·before + c(c + 1)/2 for a chunk of c tokens. */
  readonly prefillPairs: number;
  readonly joined: readonly number[];
  /** Prompt tokens that the prefix cache, or the host's memory, had of each of `joined`, entry for entry. */
  readonly joinedCachedTokens: readonly number[];
  readonly preempted: readonly number[];
  /** Computed tokens that each of them lost, entry for entry; 0 when they were kept in host memory. */
  readonly lostTokens: readonly number[];
  readonly events: readonly RequestEvent[];
  readonly numRunning: number;
  readonly numWaiting: number;
  readonly numActiveBlocks: number;
  readonly numCachedBlocks: number;
  /** Slots of active blocks (of reservations, under `contiguous`) that hold no token. */
  readonly numWastedSlots: number;
}

/** Rows of one sequence within a step, in the order of its positions. */
export interface StepRows {
  readonly request: number;
  /** First of its rows in the step. */
  readonly firstRow: number;
  readonly tokens: number;
  /** Position of the first row in the sequence. */
  readonly position: number;
}

/** Queries, keys and values of a step's rows in one layer, between RoPE and the append. */
export interface NewKeysValues {
  readonly layer: number;
  /** f32 [tokens][queryHeads][cacheHeadDim] */
  readonly query: GPUBuffer;
  /** f32 [tokens][kvHeads][cacheHeadDim]; what is written here is what is appended. */
  readonly key: GPUBuffer;
  readonly value: GPUBuffer;
  readonly tokens: number;
  readonly sequences: readonly StepRows[];
}

/** What one row's attention gave in one layer. */
export interface SeenAttention {
  readonly layer: number;
  readonly request: number;
  readonly position: number;
  /** f32 [queryHeads][cacheHeadDim], before the output projection; valid during the call. */
  readonly output: Float32Array;
  /** f32 [queryHeads][tokens in the cache]; decode rows only, where they were asked for. */
  readonly weights?: Float32Array;
}

/** What the quality laboratory puts into a step and takes out of it. All of it slows the step down. */
export interface EngineHooks {
  readonly onKeysValues?: { encode(pass: GPUComputePassEncoder, rows: NewKeysValues): void };
  /** `attention`: with the probabilities of decode rows. */
  readonly capture?: { readonly attention: boolean; onAttention(seen: SeenAttention): void };
}
