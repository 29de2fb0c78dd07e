/** What a search is told beside its scenario, and what it tells on its way. */
import type { TuneRun } from '../core/run/tune.ts';

export interface TuneStamp {
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly appVersion: string;
  readonly command: string | null;
}

export interface TuneProgress {
  /** Of the measurements that may be taken, 0…1. */
  readonly fraction: number;
  readonly message: string;
  /** The run as far as it is. */
  readonly partial: () => TuneRun;
}

export interface TuneOptions {
  readonly stamp?: Partial<TuneStamp>;
  /** A run of the same scenario that was stopped: goes on from it. */
  readonly resume?: TuneRun | null;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TuneProgress) => void;
  /** Milliseconds on a clock that only goes forwards, for a budget of seconds. */
  readonly now?: () => number;
  /** Called between two measurements; what it returns is waited for. */
  readonly pause?: () => Promise<void> | undefined;
}
