/** The recorded run that the block view and the access profile look at: which point and replica, and a walk through it. */
import type { SimScenario } from '../core/scenario/simulate/schema.ts';
import { expandSweep } from '../core/scenario/sweep.ts';
import { HistoryReader } from '../sim/recorder-reader.ts';
import type { SimInputs } from '../workers/sim-api.ts';
import type { RecordedRun } from '../workers/sim-record.ts';
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

/** Replicas whose blocks can be looked at. */
export function replicasOf({ cluster }: SimScenario): number {
  const split = cluster.disaggregation;
  return split === null ? cluster.replicas : split.prefillReplicas + split.decodeReplicas;
}

export class BlockRecording {
  readonly task: SimTask<RecordedRun>;
  walk: BlockWalk | null = $state.raw(null);
  run: RecordedRun | null = $state.raw(null);
  /** What was recorded; another scenario asks for another recording. */
  recorded: string | null = $state(null);

  constructor(port: SimPort) {
    this.task = new SimTask(port);
  }

  /** What a recording depends on, as one text. */
  static keyOf(scenario: SimScenario, inputs: SimInputs, point: number, replica: number): string {
    const files = [
      inputs.trace?.name,
      inputs.trace?.lastModified,
      inputs.profile.length,
      inputs.check?.length,
    ];
    return JSON.stringify([scenario, files, point, replica]);
  }

  /** Records unless this is what was recorded last. */
  async record(scenario: SimScenario, inputs: SimInputs, point: number, replica: number): Promise<void> {
    const key = BlockRecording.keyOf(scenario, inputs, point, replica);
    if (key === this.recorded) return;
    this.recorded = key;
    this.walk = null;
    this.run = null;
    const run = await this.task.ask((api, onProgress) =>
      api.record(scenario, inputs, { point, replica }, onProgress),
    );
    if (this.recorded !== key) return;
    if (run === null) {
      // Cancelled: the same may be asked for again.
      if (this.task.fault === null) this.recorded = null;
      return;
    }
    this.run = run;
    this.walk = new BlockWalk(new HistoryReader(run.history));
  }

  cancel(): void {
    this.task.cancel();
  }
}
