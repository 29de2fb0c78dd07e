/**
 * What the page and the command line's headless browser ask of a model: the same worker owns the GPU, its device and the
 * engine. The facade is comlink's; errors cross as `{code, message, data}`.
 *
 * One task at a time, with the measurements of api.ts together: whoever asks meanwhile is answered `busy`. A laboratory
 * that works with the loaded model joins with one method here, one line in model-labs.ts and one case nowhere else: it is
 * a function (ModelLabContext, scenario) → run (src/lab/model/context.ts).
 */
import type { PowerPreference } from '../lab/types.ts';
import type {
  GenerationResult,
  GenerationUpdate,
  GenerationWish,
  LoadWish,
  ModelFacts,
  ModelProgress,
  ModelSource,
} from '../lab/model/types.ts';
import type { Outcome } from './api.ts';

export type * from '../lab/model/types.ts';

export interface ModelWorkerApi {
  /** Replaces the model that was loaded before. */
  load(
    source: ModelSource,
    wish: LoadWish & { readonly power: PowerPreference },
    onProgress: (progress: ModelProgress) => void,
  ): Promise<Outcome<ModelFacts>>;
  unload(): Promise<Outcome<null>>;
  /** The loaded model; null without one. */
  describe(): Promise<Outcome<ModelFacts | null>>;
  /** Cancelling resolves with what had come, `complete: false`. */
  generate(
    wish: GenerationWish,
    onUpdate: (update: GenerationUpdate) => void,
  ): Promise<Outcome<GenerationResult>>;
  /** Stops whatever runs in this worker. */
  cancel(): void;
  /** For tests of device loss: destroys the model's device as the browser would lose it. */
  loseDevice(): void;
}
