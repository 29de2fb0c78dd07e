/** What moves with a sequence besides its KV, and what a receiver must know before it takes anything. */
import type { KvShapeOf, SequenceKv } from './kv.ts';

/** Which model computed the KV: keys and values mean something to no other. */
export interface ModelIdentity {
  /** For people. */
  readonly name: string;
  /** 32 hexadecimal digits over the configuration and samples of the weights. */
  readonly fingerprint: string;
}

/** A sequence between two steps: with its KV it goes on anywhere, without it it is computed again from here. */
export interface MovedSequence {
  readonly promptIds: readonly number[];
  /** Tokens that were generated. */
  readonly output: readonly number[];
  /** Of the whole output, those that were generated among them. */
  readonly maxTokens: number;
  readonly sampling: {
    readonly temperature: number;
    readonly topP: number;
    readonly topK: number;
    readonly seed: number;
  };
  readonly stopTokens: readonly number[];
  /** Teacher forcing; null: the model's own tokens. */
  readonly forced: readonly number[] | null;
}

/** A live sequence as it stands between two steps. */
export interface SequenceSnapshot {
  readonly model: ModelIdentity;
  readonly shape: KvShapeOf;
  readonly sequence: MovedSequence;
  readonly kv: SequenceKv;
}

/** One block of a prefix cache: its own tokens, and which entry of the list stands before it (−1: it begins a text). */
export interface PrefixEntry {
  readonly parent: number;
  /** blockSize ids. */
  readonly tokens: readonly number[];
}

/** A prefix cache: entries with parents first, and one block for each. */
export interface PrefixSnapshot {
  readonly model: ModelIdentity;
  readonly shape: KvShapeOf;
  readonly entries: readonly PrefixEntry[];
  /** u32 [layers][blockWords] each. */
  readonly blocks: readonly Uint32Array[];
}
