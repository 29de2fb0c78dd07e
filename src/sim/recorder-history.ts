/**
 * The history of one replica's blocks as plain columns: what a recorder writes and a reader reads. Every array has a
 * buffer of its own, so a history is handed from a worker to the page without a copy (`historyBuffers`).
 *
 * Left out: which token stands in which slot; a block is the smallest thing that is known.
 */
import type { StoreEvents } from './recorder-stores.ts';
import { BLOCK_EVENT_KINDS, type BlockEventKind } from '../core/kv/block-events.ts';

/** The block manager's events, and `load`: the contents of a block come from a tier below the GPU's memory. */
export const RECORDED_KINDS = [...BLOCK_EVENT_KINDS, 'load'] as const;
export type RecordedKind = BlockEventKind | 'load';

/** Codes of the kinds, as `events.kind` has them. */
export const EVENT_CODE = Object.fromEntries(RECORDED_KINDS.map((kind, code) => [kind, code])) as Readonly<
  Record<RecordedKind, number>
>;

export interface BlockEvents {
  /** Index into RECORDED_KINDS. */
  readonly kind: Uint8Array;
  readonly block: Int32Array;
  /** Row of the request that caused it; of an eviction: whose need it was. */
  readonly request: Int32Array;
  /**
   * hit, cache, evict, drop: the id of the contents. free: a request that still refers to the block, or −1 when the last
   * reference went. load: number of the tier, 1 for the fastest. alloc: the
   * group of layers that the block is for, or −1 where there is one only.
   */
  readonly value: Int32Array;
}

/** One row a step. Blocks are counted as the step left them. */
export interface StepColumns {
  readonly startMs: Float64Array;
  readonly endMs: Float64Array;
  /** Events up to the step's end: step s owns the events from `eventEnd[s − 1]` on. */
  readonly eventEnd: Int32Array;
  /** Blocks that a sequence refers to. */
  readonly active: Int32Array;
  /** Blocks without a reference whose contents can still be found. */
  readonly cached: Int32Array;
  /** Sequences that decoded. */
  readonly decodes: Int32Array;
}

export const PHASE_KINDS = ['arrived', 'admitted', 'chunk', 'prefilled', 'preempted', 'finished'] as const;
export type PhaseKind = (typeof PHASE_KINDS)[number];

/** What happened to requests, in the order it happened. `prefilled`: the prompt is computed, and decoding begins. */
export interface PhaseColumns {
  /** Index into PHASE_KINDS. */
  readonly kind: Uint8Array;
  readonly request: Int32Array;
  /** Step in which it happened; of an arrival: the step that comes next. */
  readonly step: Int32Array;
  readonly timeMs: Float64Array;
  /** admitted: tokens found in the cache; chunk: new prompt tokens; preempted: tokens that were lost; else 0. */
  readonly tokens: Int32Array;
}

/** State of all blocks after some events; see PoolState. Keyframe k's blocks start at k · numBlocks. */
export interface Keyframes {
  /** Events that each keyframe includes. */
  readonly event: Int32Array;
  readonly owner: Int32Array;
  readonly references: Uint16Array;
  readonly contents: Int32Array;
  readonly touched: Int32Array;
  readonly tier: Uint8Array;
  readonly group: Uint8Array;
}

/** Why the recorder stopped before the run did. */
export interface RecordingStop {
  /** Steps that were recorded. */
  readonly steps: number;
  /** A sentence. */
  readonly reason: string;
}

export interface BlockHistory {
  readonly numBlocks: number;
  /** Tokens of a block. */
  readonly blockSize: number;
  readonly replica: number;
  /** Names of the tiers below the GPU's memory, the fastest first. */
  readonly tiers: readonly string[];
  /** What each group of layers keeps, in words. */
  readonly groups: readonly string[];
  readonly events: BlockEvents;
  readonly steps: StepColumns;
  readonly phases: PhaseColumns;
  readonly keyframes: Keyframes;
  /** What came to the tiers and left them; nothing where there are none. */
  readonly stores: StoreEvents;
  /** Null: the whole run is here. */
  readonly stopped: RecordingStop | null;
}

/** The buffers to hand over with a history. */
export function historyBuffers(history: BlockHistory): ArrayBuffer[] {
  const groups = [history.events, history.steps, history.phases, history.keyframes, history.stores];
  return groups
    .flatMap((group) => Object.values(group) as ArrayBufferView[])
    .flatMap(({ buffer }) => (buffer instanceof ArrayBuffer ? [buffer] : []));
}
