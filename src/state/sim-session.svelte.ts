/** One task of the simulator from its start to its end: progress, what is there so far, instant cancel. */
import type { SimRun } from '../core/run/simulation.ts';
import type { SimScenario } from '../core/scenario/simulate/schema.ts';
import type { OnSimProgress, Outcome, SimInputs, SimProgress, SimWorkerApi } from '../workers/sim-api.ts';
import { faultFromUnknown, faultOf, type Fault } from './faults.ts';

/** The worker's client as the states need it. */
export interface SimPort {
  readonly api: SimWorkerApi;
  cancel(): void;
}

const CUT_SHORT = 'Cancelled; what was simulated until then is shown and not kept.';

/** Asks one thing at a time; a second one ends the first. */
export class SimTask<T> {
  readonly #port: SimPort;
  status: 'idle' | 'running' | 'done' | 'failed' = $state('idle');
  progress: SimProgress = $state.raw({ fraction: 0, message: '' });
  value: T | null = $state.raw(null);
  fault: Fault | null = $state.raw(null);
  #asked = 0;

  constructor(port: SimPort) {
    this.#port = port;
  }

  get busy(): boolean {
    return this.status === 'running';
  }

  /** @returns the value, or null where there is none: `fault` says why, and is null after a cancel */
  async ask(
    question: (api: SimWorkerApi, onProgress: OnSimProgress) => Promise<Outcome<T>>,
    onPartial: (run: SimRun) => void = () => undefined,
  ): Promise<T | null> {
    if (this.busy) this.#port.cancel();
    const asked = ++this.#asked;
    this.status = 'running';
    this.fault = null;
    this.progress = { fraction: 0, message: 'Starting the simulator' };
    const outcome = await settled(
      question(this.#port.api, (progress) => {
        if (asked !== this.#asked) return;
        this.progress = progress;
        if (progress.partial !== undefined) onPartial(progress.partial);
      }),
    );
    if (asked !== this.#asked) return null;
    if (outcome.ok) {
      this.value = outcome.value;
      this.status = 'done';
      return outcome.value;
    }
    this.fault = outcome.error.code === 'cancelled' ? null : faultOf(outcome.error);
    this.status = this.fault === null ? 'idle' : 'failed';
    return null;
  }

  cancel(): void {
    if (this.busy) this.#port.cancel();
  }

  clear(): void {
    if (this.busy) this.#port.cancel();
    this.#asked++;
    this.value = null;
    this.fault = null;
    this.status = 'idle';
  }
}

async function settled<T>(answer: Promise<Outcome<T>>): Promise<Outcome<T>> {
  try {
    return await answer;
  } catch (thrown) {
    const { code, text } = faultFromUnknown(thrown);
    return { ok: false, error: { code, message: text, data: null } };
  }
}

export interface KnowsKeptRuns {
  refresh(): Promise<void>;
}

/** A simulation: the run so far while it goes on, the whole of it afterwards. */
export class SimSession {
  readonly #library: KnowsKeptRuns;
  readonly task: SimTask<{ readonly run: SimRun; readonly keepProblem: string | null }>;
  run: SimRun | null = $state.raw(null);
  keepProblem: string | null = $state(null);

  constructor(port: SimPort, library: KnowsKeptRuns) {
    this.#library = library;
    this.task = new SimTask(port);
  }

  async start(scenario: SimScenario, inputs: SimInputs): Promise<SimRun | null> {
    this.run = null;
    this.keepProblem = null;
    const kept = await this.task.ask(
      (api, onProgress) => api.run(scenario, inputs, onProgress),
      (partial) => (this.run = partial),
    );
    if (kept === null) {
      if (this.run !== null && !this.task.busy) this.run = cutShort(this.run);
      return null;
    }
    this.run = kept.run;
    this.keepProblem = kept.keepProblem;
    await this.#library.refresh();
    return kept.run;
  }

  cancel(): void {
    this.task.cancel();
  }
}

function cutShort(run: SimRun): SimRun {
  return { ...run, complete: false, notes: [...run.notes, CUT_SHORT] };
}
