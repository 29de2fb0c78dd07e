/** What a run of a scenario needs beside the scenario. */
import type { TuningMemory } from './autotune.ts';
import type { LabHost } from './host.ts';
import type { Progress } from './types.ts';

export interface RunOptions {
  readonly host: LabHost;
  readonly tunings: TuningMemory;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
  /** Goes on although the memory risk is high. */
  readonly force: boolean;
  /** What the hardware check's probe got on this adapter; null without one. */
  readonly measuredBytes: number | null;
}
