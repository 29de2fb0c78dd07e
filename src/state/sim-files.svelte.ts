/**
 * Files that a simulation works on: a trace, the tables of a measured profile, a hardware check. They stay on the
 * machine as handles; the worker reads them.
 */
import type { SimScenario } from '../core/scenario/simulate/schema.ts';
import type { NamedFile, OnSimProgress, Outcome, SimInputs, TraceFacts } from '../workers/sim-api.ts';
import { faultOf, type Fault } from './faults.ts';

export interface ReadsTraces {
  readTrace(file: File, onProgress: OnSimProgress): Promise<Outcome<TraceFacts>>;
}

/** Files as they are dropped: with the folder they came in, where the browser tells. */
export type Dropped = readonly NamedFile[];

export class SimFiles {
  readonly #reader: ReadsTraces;
  trace: File | null = $state.raw(null);
  facts: TraceFacts | null = $state.raw(null);
  profile: readonly NamedFile[] = $state.raw([]);
  /** A kept run of the hardware check. */
  check: { readonly id: string; readonly json: string } | null = $state.raw(null);
  fault: Fault | null = $state.raw(null);
  /** Share of the trace that is read; null while nothing is. */
  reading: number | null = $state(null);

  constructor(reader: ReadsTraces) {
    this.#reader = reader;
  }

  get inputs(): SimInputs {
    return { trace: this.trace, profile: this.profile, check: this.check?.json ?? null };
  }

  /** What a scenario names and is not here yet. */
  lacks({ workload, cost }: Pick<SimScenario, 'workload' | 'cost'>): boolean {
    return (
      (workload.trace !== null && this.trace === null) ||
      (cost.kind === 'table' && this.profile.length === 0) ||
      (cost.kind === 'check' && this.check === null)
    );
  }

  /** Reads a trace as a whole; a bad one is refused with its line and leaves what was there. */
  async takeTrace(file: File): Promise<TraceFacts | null> {
    this.fault = null;
    this.reading = 0;
    const outcome = await this.#reader.readTrace(file, ({ fraction }) => (this.reading = fraction ?? 0));
    this.reading = null;
    if (!outcome.ok) {
      if (outcome.error.code !== 'cancelled') {
        this.fault = { ...faultOf(outcome.error), text: `${file.name}: ${outcome.error.message}` };
      }
      return null;
    }
    this.trace = file;
    this.facts = outcome.value;
    return outcome.value;
  }

  dropTrace(): void {
    this.trace = null;
    this.facts = null;
    this.fault = null;
  }

  takeProfile(files: Dropped): void {
    this.profile = files;
  }

  takeCheck(check: { readonly id: string; readonly json: string } | null): void {
    this.check = check;
  }
}
