/** Where GPU commands run: the page's worker in a headless browser, or the same lab on a Dawn binding in Node. */
import type {
  CheckRun,
  Environment,
  LabRun,
  QualityRun,
  QualityScenario,
  Scenario,
  ServeRun,
  ServeScenario,
  TuneRun,
  TuneScenario,
} from '../index.ts';
import type {
  AttentionResult,
  AttentionShape,
  GenerationResult,
  GenerationWish,
  LoadWish,
  PowerPreference,
  Progress,
} from '../lab/index.ts';
import { CommandError } from './errors.ts';

export type OnProgress = (progress: Progress) => void;

/** A model by its files on this machine. */
export interface ModelOnDisk {
  /** Of the folder, for people. */
  readonly name: string;
  readonly paths: readonly string[];
  readonly load: LoadWish;
}

/** What it shall go on with. */
export interface ModelTask extends ModelOnDisk {
  readonly wish: GenerationWish;
}

/** The caches that it shall be asked with. */
export interface QualityTask extends ModelOnDisk {
  readonly scenario: QualityScenario;
}

/** The load that it shall be put under. */
export interface ServeTask extends ModelOnDisk {
  readonly scenario: ServeScenario;
}

/** The settings that shall be tried on it; without a model where the kernels alone are measured. */
export interface TuneTask {
  readonly scenario: TuneScenario;
  readonly resume: TuneRun | null;
  readonly model: ModelOnDisk | null;
}

export interface GpuHost {
  describe(): Promise<Environment>;
  check(onProgress: OnProgress): Promise<CheckRun>;
  run(scenario: Scenario, force: boolean, onProgress: OnProgress): Promise<LabRun>;
  attention(shape: AttentionShape): Promise<AttentionResult>;
  generate(task: ModelTask, onProgress: OnProgress): Promise<GenerationResult>;
  quality(task: QualityTask, onProgress: OnProgress): Promise<QualityRun>;
  serve(task: ServeTask, onProgress: OnProgress): Promise<ServeRun>;
  tune(task: TuneTask, onProgress: OnProgress): Promise<TuneRun>;
  /** A figure at 300 dpi, or null where nothing here can draw one. */
  png(svg: string): Promise<Uint8Array | null>;
  /** Ends what is running; it then resolves with what was finished. */
  cancel(): void;
  close(): Promise<void>;
}

export interface HostOptions {
  readonly power: PowerPreference;
  /** The command line, written into every run. */
  readonly command: string;
  readonly detail: (text: string) => void;
}

/** As `Outcome` of src/workers/api.ts: errors cross from the worker as plain data. */
export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      readonly error: { readonly code: string; readonly message: string; readonly data: unknown };
    };

/** @throws CommandError */
export function valueOf<T>(answer: Answer<T>): T {
  if (answer.ok) return answer.value;
  const { code, message, data } = answer.error;
  throw new CommandError(code, message, data);
}
