/**
 * What a plan may name beside itself: a trace, for as long as the page is open, and calibrations that were made from
 * measured results, kept in this browser under their names.
 */
import * as v from 'valibot';
import { PlanCalibration } from '../core/run/calibration.ts';
import type { Outcome, PlanAids, TraceFacts } from '../workers/plan-api.ts';
import { faultFromUnknown, faultOf, type Fault } from './faults.ts';
import type { KeyValue } from './theme.svelte.ts';

const KEY = 'kvlab.calibrations';
const MOST_KEPT = 50;

export class PlanAidsState {
  readonly #readTrace: (file: File) => Promise<Outcome<TraceFacts>>;
  readonly #memory: KeyValue | null;
  trace: File | null = $state.raw(null);
  facts: TraceFacts | null = $state.raw(null);
  reading = $state(false);
  fault: Fault | null = $state.raw(null);
  calibrations: readonly PlanCalibration[] = $state.raw([]);

  constructor(readTrace: (file: File) => Promise<Outcome<TraceFacts>>, memory: KeyValue | null) {
    this.#readTrace = readTrace;
    this.#memory = memory;
    this.calibrations = recalled(memory);
  }

  /** What a scenario names, as far as it is here; what is not, the planner asks for in a sentence. */
  of(calibration: string | null): PlanAids {
    const named = this.calibrations.find(({ name }) => name === calibration);
    return { trace: this.trace, calibration: named ?? null };
  }

  /** Reads a trace as a whole; a bad one is refused with its line and leaves what was there. */
  async takeTrace(file: File): Promise<boolean> {
    this.fault = null;
    this.reading = true;
    const outcome = await this.#readTrace(file).catch((thrown: unknown): Outcome<TraceFacts> => {
      const { code, text } = faultFromUnknown(thrown);
      return { ok: false, error: { code, message: text, data: null } };
    });
    this.reading = false;
    if (!outcome.ok) {
      this.fault = { ...faultOf(outcome.error), text: `${file.name}: ${outcome.error.message}` };
      return false;
    }
    this.trace = file;
    this.facts = outcome.value;
    return true;
  }

  dropTrace(): void {
    this.trace = null;
    this.facts = null;
    this.fault = null;
  }

  /** Keeps a calibration; one of the same name is replaced. */
  keep(calibration: PlanCalibration): void {
    const others = this.calibrations.filter(({ name }) => name !== calibration.name);
    this.#store([calibration, ...others].slice(0, MOST_KEPT));
  }

  forget(name: string): void {
    this.#store(this.calibrations.filter((kept) => kept.name !== name));
  }

  #store(calibrations: readonly PlanCalibration[]): void {
    this.calibrations = calibrations;
    try {
      this.#memory?.setItem(KEY, JSON.stringify(calibrations));
    } catch {
      // Blocked or full storage: they hold until the page is closed.
    }
  }
}

/** What was kept, each record through the door; what does not read is left out. */
function recalled(memory: KeyValue | null): readonly PlanCalibration[] {
  try {
    const kept: unknown = JSON.parse(memory?.getItem(KEY) ?? '[]');
    if (!Array.isArray(kept)) return [];
    return kept.slice(0, MOST_KEPT).flatMap((record: unknown) => {
      const read = v.safeParse(PlanCalibration, record);
      return read.success ? [read.output] : [];
    });
  } catch {
    return [];
  }
}
