/** The recorded run that the block view and the access profile look at: which point and replica, and what came of it. */
import type { SimScenario } from '../core/scenario/simulate/schema.ts';
import { expandSweep } from '../core/scenario/sweep.ts';
import { PAGED_SCHEDULERS } from '../core/schedule/index.ts';
import { HistoryReader } from '../sim/recorder-reader.ts';
import type { OnSimProgress, Outcome, SimInputs, SimWorkerApi } from '../workers/sim-api.ts';
import type { RecordedAccesses, RecordedRun, RecordWish } from '../workers/sim-record.ts';
import { SimTask, type SimPort } from './sim-session.svelte.ts';
import { BlockWalk } from './walk.svelte.ts';

export interface PointChoice {
  readonly index: number;
  readonly label: string;
}

/** The points of a scenario that can be recorded, in the order of its sweep; one without a name where it has none. */
export function pointsOf(scenario: SimScenario): PointChoice[] {
  if (scenario.sweep.length === 0) return [{ index: 0, label: '' }];
  return expandSweep(scenario).map(({ index, label }) => ({ index, label }));
}

/** The first point whose requests ask a prefix cache for anything; the first of all where none does. */
export function firstCachedPoint(scenario: SimScenario): number {
  const found = expandSweep(scenario).find(
    ({ scenario: { engine } }) => engine.prefixCache !== 'off' && PAGED_SCHEDULERS[engine.scheduler],
  );
  return found?.index ?? 0;
}

/** Replicas whose blocks can be looked at. */
export function replicasOf({ cluster }: SimScenario): number {
  const split = cluster.disaggregation;
  return split === null ? cluster.replicas : split.prefillReplicas + split.decodeReplicas;
}

type Question<T> = (
  api: SimWorkerApi,
  scenario: SimScenario,
  inputs: SimInputs,
  wish: RecordWish,
  onProgress: OnSimProgress,
) => Promise<Outcome<T>>;

/** Asks for a recording, once for each scenario, point and replica. */
export class Recording<T> {
  readonly task: SimTask<T>;
  value: T | null = $state.raw(null);
  readonly #ask: Question<T>;
  /** What was asked for last; null: nothing, or it was cancelled. */
  #key: string | null = null;

  constructor(port: SimPort, ask: Question<T>) {
    this.task = new SimTask(port);
    this.#ask = ask;
  }

  /** Records unless this is what was asked for last. */
  async record(scenario: SimScenario, inputs: SimInputs, wish: RecordWish): Promise<void> {
    const { trace, profile, check } = inputs;
    const files = [trace?.name, trace?.lastModified, profile.map(({ path }) => path), check?.length];
    const key = JSON.stringify([scenario, files, wish]);
    if (key === this.#key) return;
    this.#key = key;
    this.value = null;
    const value = await this.task.ask((api, onProgress) =>
      this.#ask(api, scenario, inputs, wish, onProgress),
    );
    if (this.#key !== key) return;
    // A cancelled one may be asked for again.
    if (value === null && this.task.fault === null) this.#key = null;
    this.value = value;
  }

  cancel(): void {
    this.task.cancel();
  }
}

/** Blocks of one replica, and a walk through them that outlives a visit to another view. */
export class BlockRecording extends Recording<RecordedRun> {
  walk: BlockWalk | null = $state.raw(null);

  constructor(port: SimPort) {
    super(port, (api, ...question) => api.record(...question));
  }

  override async record(scenario: SimScenario, inputs: SimInputs, wish: RecordWish): Promise<void> {
    const recorded = super.record(scenario, inputs, wish);
    // Another recording was begun: its walk is not this one.
    if (this.value === null) this.walk = null;
    await recorded;
    if (this.value !== null) this.walk ??= new BlockWalk(new HistoryReader(this.value.history));
  }
}

export class AccessRecording extends Recording<RecordedAccesses> {
  constructor(port: SimPort) {
    super(port, (api, ...question) => api.accesses(...question));
  }
}
