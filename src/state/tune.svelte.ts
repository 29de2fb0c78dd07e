/**
 * Everything the room Tune knows: what is to be tuned, the tuning that goes on, and one that was stopped earlier.
 *
 * What is measured is kept as it comes, so that a closed tab loses some seconds at most: the room offers to go on from the
 * newest tuning that is not complete.
 */
import type { Run } from '../core/run/schema.ts';
import type { TuneRun } from '../core/run/tune.ts';
import type { TuneExecutorName, TuneScenario } from '../core/scenario/tune/schema.ts';
import type { RunEntry } from '../store/runs.ts';
import type {
  OnTuneNews,
  Outcome,
  TuneFileKind,
  TuneNews,
  TuneTexts,
  TuneTextsApi,
  TuneWorkerApi,
} from '../workers/tune-api.ts';
import type { MeasureStatus } from './check.svelte.ts';
import { faultFromUnknown, faultOf, type Fault } from './faults.ts';
import { Newest } from './newest.svelte.ts';
import { TuneSetup } from './tune-setup.ts';
import type { KeyValue } from './theme.svelte.ts';

/** A tuner that can be ended where it does not hear a cancel. */
export interface TunePort extends TuneWorkerApi {
  reset(): void;
}

/** The library as the tuner needs it. */
export interface KeepsTunings {
  readonly entries: readonly RunEntry[] | null;
  refresh(): Promise<void>;
  open(id: string): Promise<Run | null>;
  keep(run: Run): Promise<Fault | null>;
}

export interface TunePorts {
  readonly ports: Readonly<Record<TuneExecutorName, TunePort>>;
  readonly texts: TuneTextsApi;
  readonly library: KeepsTunings;
  readonly tab: KeyValue | null;
  /** Milliseconds on a clock that only goes forwards. */
  readonly now: () => number;
}

const KEEP_EVERY_MS = 5000;
const CANCEL_PATIENCE_MS = 3000;
const CUT_SHORT = 'Cut short: the worker did not answer the cancel and was ended; what was measured is kept.';

export class TuneRoom {
  readonly setup: TuneSetup;
  readonly #ports: TunePorts;
  status: MeasureStatus = $state('idle');
  progress: TuneNews = $state.raw({ fraction: 0, message: '' });
  /** The ranking so far while it goes on, the whole run afterwards. */
  run: TuneRun | null = $state.raw(null);
  fault: Fault | null = $state.raw(null);
  keepFault: Fault | null = $state.raw(null);
  /** A tuning of an earlier visit that was not finished. */
  stopped: RunEntry | null = $state.raw(null);

  /** What to do with the winner; asked for when somebody looks. */
  readonly texts: Newest<TuneRun, TuneTexts | null>;

  constructor(ports: TunePorts) {
    this.#ports = ports;
    this.texts = new Newest((run) => ports.texts.texts(run));
    this.setup = new TuneSetup(ports.tab);
  }

  get busy(): boolean {
    return this.status === 'running' || this.status === 'cancelling';
  }

  /** Looks for a tuning that was left in the middle. */
  async enter(): Promise<void> {
    await this.#ports.library.refresh();
    const entries = this.#ports.library.entries ?? [];
    if (this.run === null) {
      this.stopped = entries.find(({ kind, complete }) => kind === 'tune' && !complete) ?? null;
    }
  }

  start(): Promise<void> {
    return this.#work(this.setup.draft.scenario, null);
  }

  /** Goes on from a tuning that was stopped: the one on screen, or one of an earlier visit. */
  async goOn(): Promise<void> {
    const kept = this.stopped === null ? null : await this.#ports.library.open(this.stopped.id);
    const run = this.run ?? (kept?.kind === 'tune' ? kept : null);
    if (run === null) return;
    this.setup.take(run.scenario);
    await this.#work(run.scenario, run);
  }

  /** A kept run comes back onto the screen. */
  show(run: TuneRun): void {
    if (this.busy) return;
    this.setup.take(run.scenario);
    this.run = run;
    this.stopped = null;
    this.status = 'done';
  }

  /** A report of a run; null, with the fault on show, where it can't be written. */
  async report(run: TuneRun, kind: TuneFileKind): Promise<string | null> {
    const outcome = await settled(() => this.#ports.texts.report(run, kind));
    if (!outcome.ok) this.fault = faultOf(outcome.error);
    return outcome.ok ? outcome.value : null;
  }

  cancel(): void {
    if (this.status !== 'running') return;
    this.status = 'cancelling';
    const port = this.#port;
    port?.cancel();
    setTimeout(() => {
      if (this.status === 'cancelling' && port === this.#port) port?.reset();
    }, CANCEL_PATIENCE_MS);
  }

  #port: TunePort | null = null;
  #keptMs = 0;

  async #work(scenario: TuneScenario | null, resume: TuneRun | null): Promise<void> {
    if (this.busy || scenario === null) return;
    this.status = 'running';
    this.fault = null;
    this.keepFault = null;
    this.stopped = null;
    this.run = resume;
    this.progress = { fraction: 0, message: 'Starting' };
    this.#keptMs = this.#ports.now();
    const port = (this.#port = this.#ports.ports[scenario.executor]);
    const outcome = await settled(() => port.run(scenario, resume, (news) => this.#hear(news)));
    this.#port = null;
    const finished = outcome.ok ? outcome.value : this.#salvage();
    if (!outcome.ok && outcome.error.code !== 'cancelled') this.fault = faultOf(outcome.error);
    this.run = finished;
    this.status = this.fault !== null ? 'failed' : finished === null ? 'idle' : 'done';
    if (finished !== null) this.keepFault = await this.#ports.library.keep(finished);
  }

  #hear: OnTuneNews = ({ partial, ...news }) => {
    this.progress = news;
    if (partial === undefined) return;
    this.run = partial;
    if (this.#ports.now() < this.#keptMs + KEEP_EVERY_MS) return;
    this.#keptMs = this.#ports.now();
    void this.#ports.library.keep(partial).then((fault) => (this.keepFault = fault));
  };

  /** What was heard of before the worker went away. */
  #salvage(): TuneRun | null {
    if (this.run === null || this.run.samples.candidate.length === 0) return null;
    return { ...this.run, complete: false, notes: [...this.run.notes, CUT_SHORT] };
  }
}

async function settled<T>(ask: () => Promise<Outcome<T>>): Promise<Outcome<T>> {
  try {
    return await ask();
  } catch (thrown) {
    const { code, text } = faultFromUnknown(thrown);
    return { ok: false, error: { code, message: text, data: null } };
  }
}
