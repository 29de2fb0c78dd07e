/** The draft of an experiment of the lab, and how its documents are read and changed. */
import { parseScenario, validateScenario } from '../core/scenario/parse.ts';
import { setByHand } from '../core/scenario/reduce.ts';
import type { Scenario } from '../core/scenario/schema.ts';
import { Draft, type Door } from './draft.svelte.ts';
import { lasting } from './lasting.svelte.ts';

const DOOR: Door<Scenario> = { validate: validateScenario, parse: parseScenario, set: setByHand };

export type LabDraft = Draft<Scenario>;

export function labDraft(scenario: Scenario): LabDraft {
  return lasting(() => new Draft(scenario, DOOR));
}
