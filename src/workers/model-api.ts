/**
 * What the page and the command line's headless browser ask of a model: the same worker owns the GPU, its device and the
 * engine. The facade is comlink's; errors cross as `{code, message, data}`.
 *
 * One task at a time, with the measurements of api.ts together: whoever asks meanwhile is answered `busy`. A laboratory
 * that works with the loaded model is a function (scenario, ModelLabContext, …) → run (src/lab/model/context.ts) and one
 * method here.
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
import type { AutopilotRun } from '../core/run/autopilot.ts';
import type { QualityRun } from '../core/run/quality.ts';
import type { ServeRun } from '../core/run/serve.ts';
import type { TuneRun } from '../core/run/tune.ts';
import type { AutopilotScenario } from '../core/scenario/autopilot/schema.ts';
import type { QualityScenario } from '../core/scenario/quality/schema.ts';
import type { ServeScenario } from '../core/scenario/serve/schema.ts';
import type { TuneScenario } from '../core/scenario/tune/schema.ts';
import type { Outcome } from './api.ts';
import type { OnAutopilotNews } from './autopilot-api.ts';

export type * from '../lab/model/types.ts';

/** Of a laboratory: how far it is, and now and then what has been measured so far. */
export interface LabNews<Run> extends ModelProgress {
  readonly partial?: Run;
}

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
  /**
   * The price of a smaller cache on the loaded model.
   * @param text that perplexity is measured on; null: held-out text of the shipped model, or the model's own samples
   */
  quality(
    scenario: QualityScenario,
    text: string | null,
    onProgress: (news: LabNews<QualityRun>) => void,
  ): Promise<Outcome<QualityRun>>;
  /** The loaded model under load, measured beside predicted. */
  serve(scenario: ServeScenario, onProgress: (news: LabNews<ServeRun>) => void): Promise<Outcome<ServeRun>>;
  /**
   * The best settings on this GPU: of the engine with the loaded model, or of the attention kernels, which need none.
   * Cancelling resolves with what was measured, `complete: false`.
   * @param resume a run of the same scenario that was stopped; null: from the start
   */
  tune(
    scenario: TuneScenario,
    resume: TuneRun | null,
    onProgress: (news: LabNews<TuneRun>) => void,
  ): Promise<Outcome<TuneRun>>;
  /**
   * The loaded model under an autopilot. Cancelling ends the run with what it has; a stop lets the cache serve on.
   * @param hold waits before each plan until `goOn`
   */
  autopilot(
    scenario: AutopilotScenario,
    hold: boolean,
    onNews: OnAutopilotNews,
  ): Promise<Outcome<AutopilotRun>>;
  /** Lets the plan go that waits. */
  goOn(): void;
  /** Takes back the plan that was begun; no other is made. */
  stopAutopilot(): void;
  /** Stops whatever runs in this worker. */
  cancel(): void;
  /** For tests of device loss: destroys the model's device as the browser would lose it. */
  loseDevice(): void;
}
