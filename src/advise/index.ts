/** `kvlab/advise`: what to change after a run, with evidence and a tried effect. No DOM, no GPU, no clock. */
import '../core/all-records.ts';

export { advice, advise } from './advise.ts';
export {
  AdviseError,
  RULE_IDS,
  type Advice,
  type AdviceProgress,
  type AdviseOptions,
  type Change,
  type Considered,
  type Effect,
  type Evidence,
  type Recommendation,
  type Risk,
  type RuleId,
} from './types.ts';
