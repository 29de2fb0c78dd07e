/**
 * The planner's work, without the worker around it: plans with the figures that show them, names to choose from, models
 * and GPUs of no record.
 */
import { planFigures } from '../charts/figures/plan/index.ts';
import type { PlanRun } from '../core/run/plan.ts';
import { runPlan } from '../plan/index.ts';
import { outcomeOf } from './outcome.ts';
import type { Planned, PlanWorkerApi } from './plan-api.ts';
import { catalogue } from './plan-catalogue.ts';

export interface PlanPlatform {
  readonly date: () => string;
  readonly newId: () => string;
}

export function createPlanService({ date, newId }: PlanPlatform): PlanWorkerApi {
  const stamp = () => ({ id: newId(), createdAt: date(), command: null });
  return {
    catalogue: () => outcomeOf(async () => catalogue()),
    plan: (scenario) => outcomeOf(async () => planned(runPlan(scenario, { stamp: stamp() }))),
  };
}

function planned(run: PlanRun): Planned {
  return { run, figures: planFigures(run) };
}
