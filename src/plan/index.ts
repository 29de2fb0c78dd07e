/** `kvlab/plan`: does it fit, how fast, what does it cost, which settings. No DOM, no GPU, no clock. */
import '../core/all-records.ts';

export { comparePlans, type PlanDifference } from './compare.ts';
export { chosenRow, fleetOf } from './fleet.ts';
export { modelFacts, type ModelFacts } from './model-facts.ts';
export type { GpuRecord } from '../core/hardware/records.ts';
export type { Architecture } from '../core/model/architecture.ts';
export { parsePlanRun } from './read-run.ts';
export { GRIDS, gridOf, type Grid } from './grid.ts';
export { lossOf, QUALITY_ROWS, qualityOf, type QualityRow } from './quality.ts';
export { publishedPrices } from './cost.ts';
export { noEngine, noKv, noWeights, releasedWeights } from './support.ts';
export { simulatePlan, simulatePrefix, type SimulatedPlan } from './simulate.ts';
export { modelsFor, type ModelOnGpu } from './recommend.ts';
export {
  REASONING_NAMES,
  REASONING_PRESETS,
  reasoningOutput,
  SPECULATION_NAMES,
  SPECULATION_PRESETS,
  type ReasoningPreset,
  type SpeculationPreset,
} from './presets.ts';
export { PlanError } from './error.ts';
export { runPlan, type PlanOptions, type PlanStamp } from './plan.ts';
export { searchPlans, searchTask, type SearchOptions, type SearchProgress } from './search.ts';
export { findGpuRecord, findModelRecord } from './names.ts';
export { ALL_GPUS, findAnyGpu, gpusOf, nearestGpus } from '../core/hardware/catalogue.ts';
export { ALL_MODELS, findAnyModel, nearestModels } from '../core/model/catalogue.ts';
export { architectureFromConfig, architectureFromText } from '../core/model/config/index.ts';
export { gpuFromCheck } from '../core/hardware/from-check.ts';
export { derate, DERATINGS, type Derating, type DeratingPreset } from '../core/hardware/deratings.ts';
export { priceFor, pricesOf, type GpuPrice } from '../core/hardware/prices.ts';
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
export { pinnedScenario, predictAt } from './validate/predict.ts';
export { TERMS as VALIDATED_LABELS } from './validate/terms.ts';
export { DEFAULT_TOLERANCE_PERCENT, validatePlan } from './validate/validate.ts';
export type {
  Assumption,
  PlanValidation,
  Validated,
  ValidatedPoint,
  ValidatedTerm,
} from '../core/run/validation.ts';
export { recalibrate, type Recalibration, type RecalibrationStamp } from './validate/recalibrate.ts';
export { parseCalibration } from './validate/read-calibration.ts';
export type { PlanCalibration } from '../core/run/calibration.ts';
