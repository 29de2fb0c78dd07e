/**
 * The GPU as the page sees it: which adapter there is, whether something measures on it, and why it cannot be used.
 * Talks to the worker through ports, so that tests give it doubles and no DOM.
 */
import type { Environment } from '../core/run/schema.ts';
import type { GpuWorkerApi, Outcome, PowerPreference } from '../workers/api.ts';
import type { ModelWorkerApi } from '../workers/model-api.ts';
import { faultFromUnknown, faultOf, ownFault, type Fault } from './faults.ts';

export interface WorkerPort {
  /** Starts the worker on the first call. */
  api(): Promise<GpuWorkerApi>;
  /** The model's part of the same worker. */
  model(): Promise<ModelWorkerApi>;
  /** Ends it without ceremony; the next `api()` starts another. */
  reset(): void;
}

export interface HostPort {
  readonly worker: WorkerPort;
  /** Whether this browser and page may use WebGPU at all. */
  readonly webgpu: 'present' | 'absent' | 'insecure';
  /** A lock across all tabs; null when another tab holds it. */
  acquire(): Promise<(() => void) | null>;
  /** Calls back whenever the tab is hidden; returns the way to stop. */
  onHidden(listener: () => void): () => void;
  isHidden(): boolean;
  readonly memory: Pick<Storage, 'getItem' | 'setItem'> | null;
}

export const POWER_KEY = 'kvlab.adapter';
/** After cancelling, how long the worker may take to answer before it is ended. */
const CANCEL_PATIENCE_MS = 3000;

export const HIDDEN_NOTE =
  'The tab was hidden during the measurement; browsers slow hidden tabs down, so times on the host’s clock may be too long.';

export interface Measured<T> {
  readonly outcome: Outcome<T>;
  /** True when the tab was hidden at some moment of the measurement. */
  readonly wasHidden: boolean;
}

function recallPower(memory: HostPort['memory']): PowerPreference {
  try {
    return memory?.getItem(POWER_KEY) === 'low-power' ? 'low-power' : 'high-performance';
  } catch {
    return 'high-performance';
  }
}

export class GpuState {
  readonly #host: HostPort;
  status: 'unknown' | 'looking' | 'ready' | 'absent' = $state('unknown');
  environment: Environment | null = $state.raw(null);
  fault: Fault | null = $state.raw(null);
  power: PowerPreference = $state('high-performance');
  /** What is being measured; null when nothing is. */
  busyWith: string | null = $state(null);
  /** True from the moment the tab was hidden during a measurement until the measurement ends. */
  wasHidden = $state(false);
  #abandon: (() => void) | null = null;
  #asked = 0;

  constructor(host: HostPort) {
    this.#host = host;
    this.power = recallPower(host.memory);
    if (host.webgpu !== 'present') this.#refuse(host.webgpu === 'insecure' ? 'insecure-page' : 'no-webgpu');
  }

  get usable(): boolean {
    return this.status !== 'absent';
  }

  /** Finds out which adapter there is; costs nothing on the GPU and blocks nothing. */
  async look(): Promise<void> {
    if (this.#host.webgpu !== 'present' || this.busyWith !== null) return;
    const asked = ++this.#asked;
    this.status = 'looking';
    const outcome = await this.ask((api) => api.describe(this.power));
    if (asked !== this.#asked) return;
    if (outcome.ok) this.note(outcome.value);
    else {
      this.fault = faultOf(outcome.error);
      this.status = 'absent';
    }
  }

  /** Every run tells the environment it was measured in. */
  note(environment: Environment): void {
    this.environment = environment;
    this.fault = null;
    this.status = 'ready';
  }

  choosePower(power: PowerPreference): void {
    if (power === this.power) return;
    this.power = power;
    try {
      this.#host.memory?.setItem(POWER_KEY, power);
    } catch {
      // Blocked storage: the choice holds until the page is closed.
    }
    void this.look();
  }

  /** One question to the worker that measures nothing. */
  ask<T>(question: (api: GpuWorkerApi) => Promise<Outcome<T>>): Promise<Outcome<T>> {
    return answered(async () => question(await this.#host.worker.api()));
  }

  /** The same of the model's part. */
  askModel<T>(question: (model: ModelWorkerApi) => Promise<Outcome<T>>): Promise<Outcome<T>> {
    return answered(async () => question(await this.#host.worker.model()));
  }

  /** Measures alone: one at a time in this tab, and one tab at a time. */
  measure<T>(what: string, task: (api: GpuWorkerApi) => Promise<Outcome<T>>): Promise<Measured<T>> {
    return this.#alone(what, () => this.ask(task));
  }

  /** The same with the loaded model. */
  measureModel<T>(what: string, task: (model: ModelWorkerApi) => Promise<Outcome<T>>): Promise<Measured<T>> {
    return this.#alone(what, () => this.askModel(task));
  }

  async #alone<T>(what: string, task: () => Promise<Outcome<T>>): Promise<Measured<T>> {
    if (this.busyWith !== null)
      return refused('busy', `${this.busyWith} is still running: wait for it or cancel it.`);
    this.busyWith = what;
    this.wasHidden = this.#host.isHidden();
    const release = await this.#host.acquire();
    if (release === null) {
      this.busyWith = null;
      return refused('other-tab', ownFault('other-tab').text);
    }
    const stopWatching = this.#host.onHidden(() => (this.wasHidden = true));
    const abandoned = new Promise<Outcome<T>>((resolve) => {
      this.#abandon = () => {
        this.#host.worker.reset();
        resolve({ ok: false, error: { code: 'cancelled', message: 'Cancelled.', data: null } });
      };
    });
    try {
      const outcome = await Promise.race([task(), abandoned]);
      return { outcome, wasHidden: this.wasHidden };
    } finally {
      this.#abandon = null;
      stopWatching();
      release();
      this.busyWith = null;
    }
  }

  /** Asks the worker to stop; ends it when it does not answer. */
  async cancel(): Promise<void> {
    const abandon = this.#abandon;
    if (abandon === null) return;
    const timer = setTimeout(() => {
      if (this.#abandon === abandon) abandon();
    }, CANCEL_PATIENCE_MS);
    try {
      const api = await this.#host.worker.api();
      await api.cancel();
    } catch {
      clearTimeout(timer);
      abandon();
    }
  }

  #refuse(code: 'insecure-page' | 'no-webgpu'): void {
    this.fault = ownFault(code);
    this.status = 'absent';
  }
}

function refused<T>(code: string, message: string): Measured<T> {
  return { outcome: { ok: false, error: { code, message, data: null } }, wasHidden: false };
}

/** What the worker answers, or the fault of asking it. */
async function answered<T>(question: () => Promise<Outcome<T>>): Promise<Outcome<T>> {
  try {
    return await question();
  } catch (thrown) {
    const fault = faultFromUnknown(thrown);
    return { ok: false, error: { code: fault.code, message: fault.text, data: null } };
  }
}
