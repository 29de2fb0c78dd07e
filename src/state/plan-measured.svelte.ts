/** Files of measured results beside the plan on screen, and what they say of it. */
import type { PlanRun } from '../core/run/plan.ts';
import type { PlanCalibration } from '../core/run/calibration.ts';
import {
  NO_AIDS,
  type MeasuredPlan,
  type MeasuredWish,
  type Outcome,
  type PlanAids,
  type Recalibrated,
  type ResultFile,
} from '../workers/plan-api.ts';
import { faultOf, type Fault } from './faults.ts';
import { Newest } from './newest.svelte.ts';

/** By which a prediction may be wrong and still count as right. */
export const TOLERANCES = [10, 20, 30, 50] as const;
const DEFAULT_TOLERANCE = 20;

export class PlanMeasured {
  files: readonly ResultFile[] = $state.raw([]);
  tolerancePercent: number = $state(DEFAULT_TOLERANCE);
  readonly result: Newest<MeasuredWish, MeasuredPlan>;

  readonly #recalibrate: (wish: MeasuredWish, name: string) => Promise<Outcome<Recalibrated>>;
  /** What the last calibration changed. */
  calibrated: Recalibrated | null = $state.raw(null);
  calibrationFault: Fault | null = $state.raw(null);

  constructor(
    ask: (wish: MeasuredWish) => Promise<Outcome<MeasuredPlan>>,
    recalibrate: (wish: MeasuredWish, name: string) => Promise<Outcome<Recalibrated>>,
  ) {
    this.result = new Newest(ask);
    this.#recalibrate = recalibrate;
  }

  /** Beside those that are here; one of the same name is replaced. */
  take(files: readonly ResultFile[]): void {
    const before = this.files.filter(({ name }) => !files.some((file) => file.name === name));
    this.files = [...before, ...files];
  }

  forget(): void {
    this.files = [];
    this.calibrated = null;
    this.result.clear();
  }

  compare(run: PlanRun, aids: PlanAids): void {
    const { files, tolerancePercent } = this;
    if (files.length > 0) this.result.want({ run, files, tolerancePercent, aids });
  }

  /** The record with which the plan comes to what was measured; null, with the fault on show, where there is none. */
  async recalibrate(run: PlanRun, name: string): Promise<PlanCalibration | null> {
    const { files, tolerancePercent } = this;
    this.calibrationFault = null;
    const outcome = await this.#recalibrate({ run, files, tolerancePercent, aids: NO_AIDS }, name);
    if (outcome.ok) this.calibrated = outcome.value;
    else this.calibrationFault = faultOf(outcome.error);
    return outcome.ok ? outcome.value.calibration : null;
  }
}
