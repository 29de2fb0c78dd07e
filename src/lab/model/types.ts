/**
 * A model as the page and the command line ask for it and hear of it. Plain data: all of it crosses from a worker.
 *
 * Boundary: wishes, facts and results. Who loads is session.ts, who generates is generate.ts.
 */
import type { ModelConfig } from '../../engine/config.ts';
import type { EngineSettings, RequestEvent, Sampling } from '../../engine/engine-types.ts';
import type { KvFormat } from '../../core/kv/formats.ts';
import type { WeightFormat } from '../../gpu/kernels/linear-config.ts';

/** A file of a model: where it lies in its folder, and its bytes, which are read in pieces and never all at once. */
export interface ModelFile {
  readonly path: string;
  readonly blob: Blob;
}

export type ModelSource =
  /** The model that ships with the page; `base`: address of the folder that holds `models/`. */
  | { readonly kind: 'shipped'; readonly base: string }
  /** Safetensors with config.json, one GGUF, or one llama2.c checkpoint, perhaps with a tokenizer beside it. */
  | { readonly kind: 'files'; readonly files: readonly ModelFile[] }
  /** A repository of the Hugging Face hub, `owner/name`; `token` for gated ones, sent to the hub and kept nowhere. */
  | {
      readonly kind: 'hub';
      readonly repository: string;
      readonly revision: string;
      readonly token: string | null;
    };

export interface LoadWish {
  readonly weightFormat: WeightFormat;
  /** Most bytes that the weights may take on the GPU; null: what the adapter is thought to hold. */
  readonly budgetBytes: number | null;
}

/** What the card of a loaded model says. */
export interface ModelFacts {
  readonly source: ModelSource['kind'];
  readonly config: ModelConfig;
  readonly parameters: number;
  readonly weightFormat: WeightFormat;
  /** Bytes of all weight buffers on the GPU. */
  readonly weightBytes: number;
  /** Bytes of K and V of one token over all layers, padding of small heads and parameters of the format included. */
  readonly kvBytesPerToken: Readonly<Record<KvFormat, number>>;
  /** Bytes that a pool may take beside the weights on this adapter. */
  readonly poolBytes: number;
  /** False: prompts are token ids, and so is what comes out. */
  readonly speaksText: boolean;
  /** Its tokenizer has a chat template: a prompt may be written as a message that the model answers. */
  readonly speaksChat: boolean;
  /** The adapter's name, and whether it is software on the processor. */
  readonly adapter: string;
  readonly isFallback: boolean;
  readonly loadMs: number;
  /** What a reader has to know besides, a sentence each: a vocabulary that could not be read. */
  readonly notes: readonly string[];
}

export interface ModelProgress {
  /** 0…1, or null while the length is unknown. */
  readonly fraction: number | null;
  readonly message: string;
}

export type Prompt =
  | { readonly kind: 'text'; readonly text: string }
  /** A message of the user, written into the model's chat template. */
  | { readonly kind: 'chat'; readonly text: string }
  | { readonly kind: 'ids'; readonly ids: readonly number[] };

/** What of the engine's settings a person chooses; the rest follows from the model, the adapter and the wish. */
export interface CacheWish extends Pick<
  EngineSettings,
  'kvFormat' | 'blockSize' | 'prefixCaching' | 'layout' | 'tier' | 'eviction'
> {
  /** Blocks of the pool; null: what the sequences may need, as far as there is room. */
  readonly numBlocks: number | null;
}

export interface GenerationWish {
  readonly prompts: readonly Prompt[];
  /** Sequences that continue each prompt, sharing its blocks; each has a seed of its own. */
  readonly samples: number;
  readonly maxTokens: number;
  readonly sampling: Sampling;
  /** Goes on past the model's end token. */
  readonly ignoreEnd: boolean;
  readonly cache: CacheWish;
}

/** A token as it came. */
export interface StreamedToken {
  /** Number of the sequence: prompt × samples + sample. */
  readonly sequence: number;
  readonly token: number;
  /** What it adds to the text; null without a tokenizer. A character that needs several tokens comes with the last. */
  readonly text: string | null;
  /** Milliseconds from the start of the generation until the host knew it. */
  readonly atMs: number;
  readonly finished: RequestEvent['finished'];
}

/** The cache of one sequence. */
export interface SequenceCache {
  readonly sequence: number;
  /** Its block table, first block first. */
  readonly blocks: readonly number[];
  /** How many sequences of this generation hold each of these blocks. */
  readonly references: readonly number[];
  /** Tokens whose K and V are in those blocks. */
  readonly storedTokens: number;
  /** Tokens that the eviction policy has struck out. */
  readonly evictedTokens: number;
  /** Leading prompt tokens that were found in the prefix cache. */
  readonly cachedTokens: number;
}

/** Sent at most some thirty times a second; no token is lost between two. */
export interface GenerationUpdate {
  readonly tokens: readonly StreamedToken[];
  readonly caches: readonly SequenceCache[];
  readonly steps: number;
  /** Of the newest step. */
  readonly stepMs: number;
  readonly numRunning: number;
  readonly numWaiting: number;
  readonly numBlocks: number;
  readonly numActiveBlocks: number;
  readonly numCachedBlocks: number;
  /** Times that the sequences went on from their tokens on a new device. */
  readonly resumed: number;
}

export interface GeneratedSequence {
  readonly promptIds: readonly number[];
  readonly tokens: readonly number[];
  readonly text: string | null;
  /** Milliseconds from the start of the generation to each token. */
  readonly tokenTimesMs: readonly number[];
  readonly finished: RequestEvent['finished'];
}

export interface GenerationResult {
  readonly sequences: readonly GeneratedSequence[];
  readonly kvBytesPerToken: number;
  readonly steps: number;
  readonly resumed: number;
  /** False: it was cancelled; what had come is here. */
  readonly complete: boolean;
}
