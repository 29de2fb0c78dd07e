/** The link of a run: a check is small enough to travel whole, any other travels as its scenario. A watch has none. */
import { encodeCheckLink, encodeScenarioLink } from '../core/scenario/link.ts';
import type { Run, WatchRun } from '../core/run/schema.ts';

export function runLink(run: Exclude<Run, WatchRun>): Promise<string> {
  return run.kind === 'check' ? encodeCheckLink(run) : encodeScenarioLink(run.scenario, null);
}
