/**
 * What the page asks of the tuner. In the simulator it runs in a worker of its own (tune.worker.ts); on this GPU it runs
 * where the GPU is (model-api.ts). Either way a cancel keeps what was measured: the run comes back incomplete, and the
 * same scenario goes on from it.
 */
import type { TuneRun } from '../core/run/tune.ts';
import type { TuneScenario } from '../core/scenario/tune/schema.ts';
import type { Outcome } from './api.ts';

export type { Outcome } from './api.ts';

export interface TuneNews {
  /** Of the measurements that may be taken, 0…1; null: not known yet. */
  readonly fraction: number | null;
  readonly message: string;
  /** The ranking so far, about twice a second. */
  readonly partial?: TuneRun;
}

export type OnTuneNews = (news: TuneNews) => void;

/** The winner in the words of whoever is to use it. */
export interface AppliedText {
  readonly target: string;
  readonly name: string;
  readonly text: string;
  readonly file: string;
  readonly notes: readonly string[];
}

export interface TuneTexts {
  /** Its first is best_plan.json. */
  readonly applied: readonly AppliedText[];
  readonly fallbacks: readonly { readonly when: string; readonly use: string; readonly reason: string }[];
}

export type TuneFileKind = 'md' | 'html';

export interface TuneTextsApi {
  /** What to do with the winner; null before anything was measured. */
  texts(run: TuneRun): Promise<Outcome<TuneTexts | null>>;
  /** A report with its figures. */
  report(run: TuneRun, kind: TuneFileKind): Promise<Outcome<string>>;
}

export interface TuneWorkerApi {
  /** @param resume a run of the same scenario that was stopped; null: from the start */
  run(scenario: TuneScenario, resume: TuneRun | null, onNews: OnTuneNews): Promise<Outcome<TuneRun>>;
  /** The run that goes on resolves with what it has. */
  cancel(): void;
}
