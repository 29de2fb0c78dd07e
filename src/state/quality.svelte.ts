/** One quality experiment from the form to the kept run. */
import type { QualityRun } from '../core/run/quality.ts';
import type { ModelProgress } from '../workers/model-api.ts';
import type { MeasureStatus } from './check.svelte.ts';
import { faultOf, type Fault } from './faults.ts';
import { HIDDEN_NOTE, type GpuState } from './gpu.svelte.ts';
import { QualityForm } from './quality-form.svelte.ts';

export interface KeepsQualityRuns {
  keep(run: QualityRun): Promise<Fault | null>;
}

const CUT_SHORT = 'Cut short: the worker did not answer the cancel and was ended; finished caches are kept.';

export class QualitySession {
  readonly form = new QualityForm();
  readonly #gpu: GpuState;
  readonly #library: KeepsQualityRuns;
  status: MeasureStatus = $state('idle');
  progress: ModelProgress = $state.raw({ fraction: 0, message: '' });
  /** The caches measured so far while it goes on, the whole run afterwards. */
  run: QualityRun | null = $state.raw(null);
  fault: Fault | null = $state.raw(null);
  keepFault: Fault | null = $state.raw(null);

  constructor(gpu: GpuState, library: KeepsQualityRuns) {
    this.#gpu = gpu;
    this.#library = library;
  }

  get busy(): boolean {
    return this.status === 'running' || this.status === 'cancelling';
  }

  /** Needs a loaded model; without one the fault says so. */
  async start(): Promise<void> {
    const { scenario, text } = this.form;
    if (this.busy || scenario === null) return;
    this.status = 'running';
    this.fault = null;
    this.keepFault = null;
    this.run = null;
    this.progress = { fraction: 0, message: 'Preparing the questions' };
    const asked = text.trim() === '' ? null : text;
    const { outcome, wasHidden } = await this.#gpu.measureModel('A quality experiment', (model) =>
      model.quality(scenario, asked, ({ partial, ...progress }) => {
        this.progress = progress;
        if (partial !== undefined) this.run = partial;
      }),
    );
    const finished = outcome.ok ? outcome.value : this.#salvage();
    if (!outcome.ok && outcome.error.code !== 'cancelled') this.fault = faultOf(outcome.error);
    if (finished === null) {
      this.status = this.fault === null ? 'idle' : 'failed';
      return;
    }
    const run = wasHidden ? { ...finished, notes: [...finished.notes, HIDDEN_NOTE] } : finished;
    this.#gpu.note(run.environment);
    this.run = run;
    this.status = this.fault === null ? 'done' : 'failed';
    this.keepFault = await this.#library.keep(run);
  }

  async cancel(): Promise<void> {
    if (this.status !== 'running') return;
    this.status = 'cancelling';
    await this.#gpu.cancel();
  }

  /** What was heard of before the worker went away. */
  #salvage(): QualityRun | null {
    if (this.run === null || this.run.points.length === 0) return null;
    return { ...this.run, complete: false, notes: [...this.run.notes, CUT_SHORT] };
  }
}
