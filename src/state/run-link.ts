/** The link of a run: a check is small enough to travel whole, an experiment travels as its scenario. */
import { encodeCheckLink, encodeScenarioLink } from '../core/scenario/link.ts';
import type { Run } from '../core/run/schema.ts';

export function runLink(run: Run): Promise<string> {
  return run.kind === 'check' ? encodeCheckLink(run) : encodeScenarioLink(run.scenario, null);
}
