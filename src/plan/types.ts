/** What the planner's parts say to each other: memory, speed, cost, search. */
import type { GpuRecord } from '../core/hardware/records.ts';
import type { Architecture } from '../core/model/architecture.ts';
import type { PlanCalibration } from '../core/run/calibration.ts';
import type { PlanChoice } from '../core/run/plan.ts';
import type { PlanScenario } from '../core/scenario/plan/schema.ts';

/** A scenario whose names have been looked up. */
export interface PlanSubject {
  readonly scenario: PlanScenario;
  readonly model: Architecture;
  /** The calibration that the scenario names, given beside it. */
  readonly calibration?: PlanCalibration | undefined;
}

/** One candidate of the search: every setting chosen, the GPU's record at hand (derated where it is a laptop's). */
export interface Candidate {
  readonly choice: PlanChoice;
  readonly gpu: GpuRecord;
}

/** Lengths of a load, in tokens: what the closed forms need of a distribution. */
export interface LoadLengths {
  readonly meanPrompt: number;
  readonly maxPrompt: number;
  readonly meanOutput: number;
  readonly maxOutput: number;
  /** Of prompt + output: standard deviation over mean, for queueing. */
  readonly spread: number;
  /** A sample of prompt + output, sorted, for reserved and paged waste. */
  readonly totals: readonly number[];
}
