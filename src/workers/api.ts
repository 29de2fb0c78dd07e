/**
 * What the page, the command line's headless browser and the tests ask of the GPU worker. One worker owns the GPU; the
 * facade is comlink's, and errors cross as `{code, message, data}` because structured clone drops an error's class.
 */
import type { CheckRun, Environment, LabRun } from '../core/run/schema.ts';
import type { Scenario } from '../core/scenario/schema.ts';
import type { AttentionResult, AttentionShape, MemoryRisk, PowerPreference, Progress } from '../lab/types.ts';

export type { AttentionResult, AttentionShape, MemoryRisk, PowerPreference, Progress } from '../lab/types.ts';

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
