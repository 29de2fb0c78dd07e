/**
 * What the page, the command line's headless browser and the tests ask of the GPU worker. One worker owns the GPU; the
 * facade is comlink's, and errors cross as `{code, message, data}` because structured clone drops an error's class.
 */
import type { CheckRun, Environment, LabRun } from '../core/run/schema.ts';
import type { Scenario, Tier } from '../core/scenario/schema.ts';

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

/** Either a value or an error that can be rebuilt on the other side. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      readonly error: { readonly code: string; readonly message: string; readonly data: unknown };
    };

export interface GpuWorkerApi {
  /** Adapter, features, limits; opens nothing that costs. */
  describe(power: PowerPreference): Promise<Outcome<Environment>>;
  check(power: PowerPreference, onProgress: (progress: Progress) => void): Promise<Outcome<CheckRun>>;
  risk(scenario: Scenario): Promise<Outcome<MemoryRisk>>;
  /** `force` goes on although the risk is high. Cancelling resolves with what was finished, `complete: false`. */
  run(
    scenario: Scenario,
    options: { readonly force: boolean },
    onProgress: (progress: Progress) => void,
  ): Promise<Outcome<LabRun>>;
  attention(shape: AttentionShape): Promise<Outcome<AttentionResult>>;
  cancel(): void;
  /** For tests of device loss: destroys the device as the browser would lose it. */
  loseDevice(): void;
}
