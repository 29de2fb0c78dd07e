/** Moving a sequence as the page asks for it and hears of it. Plain data: all of it crosses from a worker. */
import type { KvFormat } from '../../core/kv/formats.ts';
import type { Prompt } from '../model/types.ts';

/** What of a cache may differ between the two sides. */
export interface MoveCache {
  readonly kvFormat: KvFormat;
  readonly blockSize: number;
}

export interface WriteWish {
  readonly prompt: Prompt;
  /** Of the whole output, wherever it is written; the model's end token is passed over, so that there is something to move. */
  readonly maxTokens: number;
  /** Tokens after which it stands still for the first time. */
  readonly holdAt: number;
  readonly temperature: number;
  readonly seed: number;
  readonly cache: MoveCache;
}

export interface MoveText {
  readonly prompt: string;
  readonly output: string;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly maxTokens: number;
}

/** A sequence that stands still in an engine here. */
export interface HeldSequence {
  readonly text: MoveText;
  readonly cache: MoveCache;
  /** Tokens whose KV is here, and its bytes. */
  readonly kvTokens: number;
  readonly kvBytes: number;
  /** Prompt tokens that the prefix cache had. */
  readonly cachedTokens: number;
}

export interface SendNews {
  readonly status: 'offering' | 'sending' | 'done' | 'failed';
  readonly paused: 'here' | 'there' | null;
  readonly arrivedBytes: number;
  /** null while it still writes. */
  readonly totalBytes: number | null;
  readonly resentPieces: number;
  /** Milliseconds since the other side was last heard; null before it was. */
  readonly silentMs: number | null;
  readonly text: MoveText;
}

export interface SentSequence {
  readonly bytes: number;
  readonly pieces: number;
  readonly resentPieces: number;
  /** From the first word until the other side had it. */
  readonly totalMs: number;
  /** Of it, how long the sequence stood still. */
  readonly stillMs: number;
  /** Tokens that it wrote here while it moved. */
  readonly meanwhileTokens: number;
  readonly text: MoveText;
}

export interface ReceiveNews {
  readonly status: 'waiting' | 'receiving' | 'whole' | 'done' | 'failed';
  readonly paused: boolean;
  readonly bytes: number;
  readonly blocks: number;
  readonly silentMs: number | null;
}

/** A sequence that came, whole and checked, in host memory. */
export interface ArrivedSequence {
  readonly text: MoveText;
  readonly cache: MoveCache;
  readonly kvTokens: number;
  readonly bytes: number;
  readonly model: string;
}

export interface FinishedSequence {
  readonly text: MoveText;
  /** Tokens that were written after the move. */
  readonly newTokens: number;
  /** Tokens of KV that were computed again because their blocks did not come: 0 when all did. */
  readonly recomputedTokens: number;
  readonly converted: boolean;
  /** Against the same request in one engine that was never left; null where it was not asked for. */
  readonly check: {
    readonly same: boolean;
    /** First token that differs, counted from 0; null where none does. */
    readonly firstDifference: number | null;
  } | null;
}

/** A prefix cache that was put into the engine here. */
export interface OpenedPrefixes {
  readonly blocks: number;
  readonly tokens: number;
  readonly offeredTokens: number;
}

export interface SavedPrefixes {
  readonly file: Blob;
  readonly blocks: number;
  readonly tokens: number;
}
