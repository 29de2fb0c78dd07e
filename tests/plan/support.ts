/** Scenarios of plans for tests. */
import { parsePlan } from '../../src/core/scenario/parse.ts';
import type { PlanScenario } from '../../src/core/scenario/plan/schema.ts';

export function plan(layer: object = {}): PlanScenario {
  const parsed = parsePlan({ version: 1, kind: 'plan', ...layer });
  if (!parsed.ok) throw new Error(parsed.sentence);
  return parsed.scenario;
}
