/** One experiment from the draft to the kept run. */
import type { LabRun } from '../core/run/schema.ts';
import type { Scenario } from '../core/scenario/schema.ts';
import type { MemoryRisk, Progress } from '../workers/api.ts';
import type { MeasureStatus } from './check.svelte.ts';
import { faultOf, type Fault } from './faults.ts';
import { HIDDEN_NOTE, type GpuState } from './gpu.svelte.ts';

export interface KeepsLabRuns {
  keep(run: LabRun): Promise<Fault | null>;
}

/** Between two copies of a run that still goes on; a closed tab loses no more than this. */
const KEEP_EVERY_MS = 5000;

const CUT_SHORT =
  'Cut short: the worker did not answer the cancel and was ended; finished repetitions are kept.';

export class LabSession {
  readonly #gpu: GpuState;
  readonly #library: KeepsLabRuns;
  status: MeasureStatus = $state('idle');
  progress: Progress = $state.raw({ fraction: 0, message: '' });
  /** The run so far while it goes on, the whole run afterwards. */
  run: LabRun | null = $state.raw(null);
  fault: Fault | null = $state.raw(null);
  keepFault: Fault | null = $state.raw(null);
  /** Memory that the run would need; null until it was asked. */
  risk: MemoryRisk | null = $state.raw(null);
  /** The scenario that `risk` is of. */
  riskOf: Scenario | null = $state.raw(null);
  riskFault: Fault | null = $state.raw(null);
  riskPending = $state(false);
  #riskAsked = 0;
  #keptAt = Number.NEGATIVE_INFINITY;

  constructor(gpu: GpuState, library: KeepsLabRuns) {
    this.#gpu = gpu;
    this.#library = library;
  }

  get busy(): boolean {
    return this.status === 'running' || this.status === 'cancelling';
  }

  /** What the run will need, before anything is allocated. */
  async assess(scenario: Scenario): Promise<MemoryRisk | null> {
    const asked = ++this.#riskAsked;
    this.riskPending = true;
    const outcome = await this.#gpu.ask((api) => api.risk(scenario));
    if (asked !== this.#riskAsked) return null;
    this.riskPending = false;
    this.risk = outcome.ok ? outcome.value : null;
    this.riskOf = scenario;
    this.riskFault = outcome.ok ? null : faultOf(outcome.error);
    return this.risk;
  }

  forgetRisk(): void {
    this.#riskAsked++;
    this.riskPending = false;
    this.risk = null;
    this.riskFault = null;
  }

  /** @param force goes on although the memory risk is high */
  async start(scenario: Scenario, force = false): Promise<void> {
    if (this.busy) return;
    this.status = 'running';
    this.fault = null;
    this.keepFault = null;
    this.run = null;
    this.progress = { fraction: 0, message: 'Starting the GPU worker' };
    const { outcome, wasHidden } = await this.#gpu.measure('An experiment', (api) =>
      api.run(scenario, { force }, (progress) => this.#hear(progress)),
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

  #hear(progress: Progress): void {
    this.progress = progress;
    if (progress.partial !== undefined) {
      this.run = progress.partial;
      if (performance.now() - this.#keptAt < KEEP_EVERY_MS) return;
      this.#keptAt = performance.now();
      void this.#library.keep(progress.partial);
    }
  }

  /** What was heard of before the worker went away. */
  #salvage(): LabRun | null {
    if (this.run === null) return null;
    return { ...this.run, complete: false, notes: [...this.run.notes, CUT_SHORT] };
  }
}
