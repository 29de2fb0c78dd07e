/** `kvlab/autopilot`: policy, plan, guard and control loop over a running cache, simulated or real. No page, no Node. */
import '../core/all-records.ts';

export { ActionError, type Applied, type AutopilotPlant, type Priced, type ShadowSample } from './plant.ts';
export { runAutopilotScenario, type AutopilotRunOptions, type RunPlant, type Side } from './run.ts';
export {
  runAutopilot,
  type AutopilotNews,
  type AutopilotOptions,
  type AutopilotOutcome,
  type FaultPoint,
} from './controller/index.ts';
export { replayLog, type Replay } from './log/index.ts';
export { planActions, viewOf, type Plan, type PlanView } from './planner/index.ts';
export { POLICY_PRESETS, policyToYaml, readPolicy, type PolicyPreset } from './policy/index.ts';
export {
  BUILTIN_SCORES,
  compareScores,
  parseScore,
  type Score,
  type ScoreComparison,
  type ScoreFacts,
} from './score/index.ts';
export { KvBook, type BookChange, type BookShape } from './book/book.ts';
export { createSimulatedPlant, type SimulatedPlant } from './simulated/plant.ts';
export { actBench, runActScript, ActBench, type ActAnswer, type ActReport } from './act/index.ts';
export { readActScript } from './act/script.ts';
export { DEFAULT_AUTOPILOT } from '../core/scenario/autopilot/defaults.ts';
export { AUTOPILOT_PRESETS } from '../core/scenario/presets.ts';
export { parseAutopilot, type ParsedAutopilot } from '../core/scenario/parse.ts';
export type { ActCommand, KvAction } from '../core/scenario/autopilot/action.ts';
export type { AutopilotPolicy } from '../core/scenario/autopilot/policy.ts';
export type { AutopilotScenario } from '../core/scenario/autopilot/schema.ts';
export type { AutopilotRun, AutopilotSide, PlanState } from '../core/run/autopilot.ts';
