/** What the lab is asked and answers; the worker's facade (src/workers/api.ts) passes these on. */
import type { LabRun } from '../core/run/schema.ts';
import type { Tier } from '../core/scenario/schema.ts';

export interface Progress {
  /** 0…1, or null while the length is unknown. */
  readonly fraction: number | null;
  /** What is being done, in a few plain words. */
  readonly message: string;
  /** During `run`, after every finished repetition (at most about once a second): what has been measured so far. */
  readonly partial?: LabRun;
}

export type PowerPreference = 'high-performance' | 'low-power';

/** Memory that a scenario will ask for, before anything is allocated. */
export interface MemoryRisk {
  readonly risk: 'low' | 'medium' | 'high';
  readonly neededBytes: number;
  /** What is thought to be free, and how that is known (`measured` by the check's allocation probe, else `assumed`). */
  readonly availableBytes: number;
  readonly availableOrigin: 'measured' | 'assumed';
  readonly advice: string;
}

export interface AttentionShape {
  readonly batch: number;
  readonly queryHeads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly context: number;
  readonly blockSize: number;
  readonly kvFormat: string;
  /** Forces a tier; `auto` lets features and the autotune choose. */
  readonly variant?: Tier;
}

export interface AttentionResult {
  readonly medianMs: number;
  readonly minMs: number;
  readonly kvBytes: number;
  readonly gbps: number;
  readonly readPeakGbps: number;
  readonly variant: string;
  readonly maxAbsError: number;
}
