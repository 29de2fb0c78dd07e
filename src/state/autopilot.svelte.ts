/**
 * Everything the room Autopilot knows: what is to be steered by which policy, and the run that goes on.
 *
 * A stop is heard in the middle of a plan: what was begun is taken back, no other plan is made, and the cache serves on. A
 * cancel ends the run with what it has; a worker that does not answer is ended, and what was heard of it stays on screen.
 */
import type { AutopilotRun, PlanState } from '../core/run/autopilot.ts';
import type { Run } from '../core/run/schema.ts';
import type { AutopilotBackend, AutopilotScenario } from '../core/scenario/autopilot/schema.ts';
import type {
  AutopilotDeskApi,
  AutopilotNews,
  AutopilotPace,
  AutopilotWorkerApi,
  OnAutopilotNews,
  Outcome,
} from '../workers/autopilot-api.ts';
import type { ActHand } from './act-hand.svelte.ts';
import { AutopilotSetup } from './autopilot-setup.ts';
import { faultFromUnknown, faultOf, type Fault } from './faults.ts';
import type { ScoreLab } from './score-lab.svelte.ts';
import type { KeyValue } from './theme.svelte.ts';

/** An autopilot that can be ended where it does not hear a cancel. */
export interface AutopilotPort extends AutopilotWorkerApi {
  reset(): void;
}

/** The library as the autopilot needs it. */
export interface KeepsAutopilots {
  keep(run: Run): Promise<Fault | null>;
}

export interface AutopilotPorts {
  readonly ports: Readonly<Record<AutopilotBackend, AutopilotPort>>;
  /** What is done beside: acts by hand, scores compared, logs replayed. */
  readonly desk: AutopilotDeskApi;
  readonly library: KeepsAutopilots;
  readonly tab: KeyValue | null;
}

/** Simulated seconds in one of ours; null: as fast as it goes. */
export const SPEEDS: readonly { readonly value: number | null; readonly name: string }[] = [
  { value: 1, name: 'as in life' },
  { value: 10, name: '10 ×' },
  { value: null, name: 'as fast as it goes' },
];

const CANCEL_PATIENCE_MS = 3000;
const CUT_SHORT =
  'Cut short: the worker did not answer the cancel and was ended; what was heard of it is shown.';

export class AutopilotRoom {
  readonly setup: AutopilotSetup;
  readonly #ports: AutopilotPorts;
  status: 'idle' | 'running' | 'cancelling' | 'done' | 'failed' = $state('idle');
  progress: AutopilotNews = $state.raw({ fraction: 0, message: '' });
  /** The run so far while it goes on, the whole of it afterwards. */
  run: AutopilotRun | null = $state.raw(null);
  /** The plan that waits for a yes. */
  held: PlanState | null = $state.raw(null);
  fault: Fault | null = $state.raw(null);
  keepFault: Fault | null = $state.raw(null);
  speed: number | null = $state(null);
  hold = $state(false);
  /** The autopilot was stopped; the cache serves on without it. */
  stopped = $state(false);
  /** Whether the way that is steered is over, and the same requests go their way without. */
  past = $state(false);
  /** Made by the view of acts by hand when it is first opened. */
  hand: ActHand | null = null;
  /** Made by the view of scores when it is first opened. */
  score: ScoreLab | null = null;
  #port: AutopilotPort | null = null;

  constructor(ports: AutopilotPorts) {
    this.#ports = ports;
    this.setup = new AutopilotSetup(ports.tab);
  }

  get desk(): AutopilotPorts['desk'] {
    return this.#ports.desk;
  }

  get busy(): boolean {
    return this.status === 'running' || this.status === 'cancelling';
  }

  get pace(): AutopilotPace {
    return { speed: this.speed, hold: this.hold };
  }

  async start(): Promise<void> {
    const { scenario } = this.setup.draft;
    if (this.busy || scenario === null) return;
    await this.#work(scenario);
  }

  /** Lets the plan go that waits. */
  goOn(): void {
    this.held = null;
    this.#port?.goOn();
  }

  /** What was begun is taken back, no other plan is made, and the cache serves on. */
  stop(): void {
    if (this.status !== 'running' || this.stopped || this.past) return;
    this.stopped = true;
    this.held = null;
    this.#port?.stop();
  }

  /** Ends the run. */
  cancel(): void {
    if (this.status !== 'running') return;
    this.status = 'cancelling';
    this.held = null;
    const port = this.#port;
    port?.cancel();
    setTimeout(() => {
      if (this.status === 'cancelling' && port === this.#port) port?.reset();
    }, CANCEL_PATIENCE_MS);
  }

  /** A kept run comes back onto the screen. */
  show(run: AutopilotRun): void {
    if (this.busy) return;
    this.setup.take(run.scenario);
    this.run = run;
    this.status = 'done';
    this.fault = null;
    this.keepFault = null;
  }

  async #work(scenario: AutopilotScenario): Promise<void> {
    this.status = 'running';
    this.fault = null;
    this.keepFault = null;
    this.held = null;
    this.stopped = false;
    this.past = false;
    this.run = null;
    this.progress = { fraction: 0, message: 'Starting' };
    const port = (this.#port = this.#ports.ports[scenario.backend]);
    const outcome = await settled(() => port.run(scenario, this.pace, this.#hear));
    this.#port = null;
    this.held = null;
    const finished = outcome.ok ? outcome.value : this.#salvage();
    if (!outcome.ok && outcome.error.code !== 'cancelled') this.fault = faultOf(outcome.error);
    this.run = finished;
    this.status = this.fault !== null ? 'failed' : finished === null ? 'idle' : 'done';
    if (outcome.ok) this.keepFault = await this.#ports.library.keep(outcome.value);
  }

  #hear: OnAutopilotNews = (news) => {
    if (!this.busy) return;
    this.progress = news;
    if (news.side !== undefined) this.past = news.side === 'without';
    if (news.partial !== undefined) this.run = news.partial;
    if (news.held !== undefined) this.held = this.status === 'running' && !this.stopped ? news.held : null;
  };

  /** What was heard of before the worker went away. */
  #salvage(): AutopilotRun | null {
    if (this.run === null) return null;
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
