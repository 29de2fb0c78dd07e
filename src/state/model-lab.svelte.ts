/**
 * A laboratory's run on the loaded model, from the button to the kept run: how far it is, what has been measured so far,
 * what went wrong. The same for every laboratory; which one it is the task says.
 */
import type { Run } from '../core/run/schema.ts';
import type { LabNews, ModelProgress, ModelWorkerApi } from '../workers/model-api.ts';
import type { Outcome } from '../workers/api.ts';
import type { MeasureStatus } from './check.svelte.ts';
import { faultOf, type Fault } from './faults.ts';
import { HIDDEN_NOTE, type GpuState } from './gpu.svelte.ts';

/** Asks the worker for the run. */
export type ModelLabTask<R> = (
  model: ModelWorkerApi,
  onProgress: (news: LabNews<R>) => void,
) => Promise<Outcome<R>>;

export interface KeepsModelRuns<R> {
  keep(run: R): Promise<Fault | null>;
}

const CUT_SHORT = 'Cut short: the worker did not answer the cancel and was ended; what was finished is kept.';

type MeasuredOnModel = Extract<Run, { kind: 'quality' | 'serve' }>;

export class ModelLabSession<R extends MeasuredOnModel> {
  readonly #gpu: GpuState;
  readonly #library: KeepsModelRuns<R>;
  readonly #what: string;
  status: MeasureStatus = $state('idle');
  progress: ModelProgress = $state.raw({ fraction: 0, message: '' });
  /** The run so far while it goes on, the whole run afterwards. */
  run: R | null = $state.raw(null);
  fault: Fault | null = $state.raw(null);
  keepFault: Fault | null = $state.raw(null);

  /** @param what for whoever asks for the GPU meanwhile: 'A quality experiment' */
  constructor(gpu: GpuState, library: KeepsModelRuns<R>, what: string) {
    this.#gpu = gpu;
    this.#library = library;
    this.#what = what;
  }

  get busy(): boolean {
    return this.status === 'running' || this.status === 'cancelling';
  }

  async start(task: ModelLabTask<R>): Promise<void> {
    if (this.busy) return;
    this.status = 'running';
    this.fault = null;
    this.keepFault = null;
    this.run = null;
    this.progress = { fraction: null, message: 'Getting the model ready' };
    const { outcome, wasHidden } = await this.#gpu.measureModel(this.#what, (model) =>
      task(model, (news) => this.#hear(news)),
    );
    const finished = outcome.ok ? outcome.value : this.#salvage();
    if (!outcome.ok && outcome.error.code !== 'cancelled') this.fault = faultOf(outcome.error);
    if (finished === null) {
      this.status = this.fault === null ? 'idle' : 'failed';
      return;
    }
    this.run = wasHidden ? { ...finished, notes: [...finished.notes, HIDDEN_NOTE] } : finished;
    this.status = this.fault === null ? 'done' : 'failed';
    this.keepFault = await this.#library.keep(this.run);
  }

  async cancel(): Promise<void> {
    if (this.status !== 'running') return;
    this.status = 'cancelling';
    await this.#gpu.cancel();
  }

  #hear({ partial, fraction, message }: LabNews<R>): void {
    this.progress = { fraction, message };
    if (partial !== undefined) this.run = partial;
  }

  /** What was heard of before the worker went away. */
  #salvage(): R | null {
    if (this.run === null) return null;
    return { ...this.run, complete: false, notes: [...this.run.notes, CUT_SHORT] };
  }
}
