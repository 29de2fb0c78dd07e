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

export interface TuneWorkerApi {
  /** @param resume a run of the same scenario that was stopped; null: from the start */
  run(scenario: TuneScenario, resume: TuneRun | null, onNews: OnTuneNews): Promise<Outcome<TuneRun>>;
  /** The run that goes on resolves with what it has. */
  cancel(): void;
}
