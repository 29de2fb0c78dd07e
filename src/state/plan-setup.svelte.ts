/** What the planner is asked: see ScenarioSetup. */
import { withValueAt } from '../core/scenario/layer.ts';
import { parsePlan, validatePlan } from '../core/scenario/parse.ts';
import { DEFAULT_PLAN } from '../core/scenario/plan/defaults.ts';
import type { PlanScenario } from '../core/scenario/plan/schema.ts';
import { PLAN_PRESETS, presetPlan } from '../core/scenario/presets.ts';
import type { Draft } from './draft.svelte.ts';
import { ScenarioSetup, type SetupKind } from './scenario-setup.svelte.ts';
import type { KeyValue } from './theme.svelte.ts';

export type PlanDraft = Draft<PlanScenario>;

const PLAN_KIND: SetupKind<PlanScenario> = {
  door: { validate: validatePlan, parse: parsePlan, set: withValueAt },
  defaults: DEFAULT_PLAN,
  presets: PLAN_PRESETS,
  preset: presetPlan,
  linked: (link) => (link.ok && link.kind === 'plan' ? link : null),
  word: 'plan',
  room: '/plan',
  key: 'kvlab.draft.plan',
};

export class PlanSetup extends ScenarioSetup<PlanScenario> {
  constructor(tab: KeyValue | null = null) {
    super(PLAN_KIND, tab);
  }
}
