/** `kvlab/plan`: does it fit, how fast, what does it cost, which settings. No DOM, no GPU, no clock. */
export { PlanError } from './error.ts';
export { runPlan, type PlanOptions, type PlanStamp } from './plan.ts';
export { planMemory } from './memory/index.ts';
export { planSpeed } from './speed/index.ts';
export type { Candidate, LoadLengths, PlanSubject } from './types.ts';
export type {
  Deployment,
  PlanChoice,
  PlanCost,
  PlanEnergy,
  PlanMemory,
  PlanQuality,
  PlanRow,
  PlanRun,
  PlanSpeed,
} from '../core/run/plan.ts';
