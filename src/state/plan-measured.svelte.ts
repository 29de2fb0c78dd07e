/** Files of measured results beside the plan on screen, and what they say of it. */
import type { PlanRun } from '../core/run/plan.ts';
import type { MeasuredPlan, MeasuredWish, Outcome, ResultFile } from '../workers/plan-api.ts';
import { Newest } from './newest.svelte.ts';

/** By which a prediction may be wrong and still count as right. */
export const TOLERANCES = [10, 20, 30, 50] as const;
const DEFAULT_TOLERANCE = 20;

export class PlanMeasured {
  files: readonly ResultFile[] = $state.raw([]);
  tolerancePercent: number = $state(DEFAULT_TOLERANCE);
  readonly result: Newest<MeasuredWish, MeasuredPlan>;

  constructor(ask: (wish: MeasuredWish) => Promise<Outcome<MeasuredPlan>>) {
    this.result = new Newest(ask);
  }

  /** Beside those that are here; one of the same name is replaced. */
  take(files: readonly ResultFile[]): void {
    const before = this.files.filter(({ name }) => !files.some((file) => file.name === name));
    this.files = [...before, ...files];
  }

  forget(): void {
    this.files = [];
    this.result.clear();
  }

  compare(run: PlanRun): void {
    const { files, tolerancePercent } = this;
    if (files.length > 0) this.result.want({ run, files, tolerancePercent });
  }
}
