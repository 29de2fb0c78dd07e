/** Regression of a run against a baseline, and against its scenario's objectives. */
export { judge, type Judgement, type RuleResult, type RuleVerdict } from './judge.ts';
export {
  judgeObjectives,
  OBJECTIVE_TARGET,
  type ObjectiveMargin,
  type ObjectiveVerdict,
} from './objectives.ts';
export { parseRule, parseRules, type CheckRule, type NoGoRule, type Rule } from './rule.ts';
export { sampledRun, type SampledPoint, type SampledRun } from './sampled.ts';
export { boundQuantity, samplesForBound, type Bounded } from './bounds.ts';
export { quantityName, quantityUnit, type RuledQuantity, type Statistic } from './quantity.ts';
