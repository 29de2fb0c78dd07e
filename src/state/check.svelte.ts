/** The hardware check from the button to the card. */
import type { CheckRun } from '../core/run/schema.ts';
import type { Progress } from '../workers/api.ts';
import { faultOf, type Fault } from './faults.ts';
import { HIDDEN_NOTE, type GpuState } from './gpu.svelte.ts';

export type MeasureStatus = 'idle' | 'running' | 'cancelling' | 'done' | 'failed';

export interface KeepsRuns {
  keep(run: CheckRun): Promise<Fault | null>;
}

export class CheckSession {
  readonly #gpu: GpuState;
  readonly #library: KeepsRuns;
  status: MeasureStatus = $state('idle');
  progress: Progress = $state.raw({ fraction: 0, message: '' });
  run: CheckRun | null = $state.raw(null);
  fault: Fault | null = $state.raw(null);
  /** The check succeeded, but could not be kept. */
  keepFault: Fault | null = $state.raw(null);

  constructor(gpu: GpuState, library: KeepsRuns) {
    this.#gpu = gpu;
    this.#library = library;
  }

  get busy(): boolean {
    return this.status === 'running' || this.status === 'cancelling';
  }

  async start(): Promise<void> {
    if (this.busy) return;
    this.status = 'running';
    this.fault = null;
    this.keepFault = null;
    this.progress = { fraction: 0, message: 'Starting the GPU worker' };
    const { outcome, wasHidden } = await this.#gpu.measure('The hardware check', (api) =>
      api.check(this.#gpu.power, (progress) => (this.progress = progress)),
    );
    if (!outcome.ok) {
      this.fault = outcome.error.code === 'cancelled' ? null : faultOf(outcome.error);
      this.status = this.fault === null ? 'idle' : 'failed';
      return;
    }
    const run = wasHidden
      ? { ...outcome.value, notes: [...outcome.value.notes, HIDDEN_NOTE] }
      : outcome.value;
    this.#gpu.note(run.environment);
    this.run = run;
    this.status = 'done';
    this.keepFault = await this.#library.keep(run);
  }

  async cancel(): Promise<void> {
    if (this.status !== 'running') return;
    this.status = 'cancelling';
    await this.#gpu.cancel();
  }
}
