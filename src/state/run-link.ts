/** The link of a run: a check is small enough to travel whole, any other travels as its scenario. A watch and an import have none. */
import { encodeCheckLink, encodeScenarioLink } from '../core/scenario/link.ts';
import type { ImportedRun, Run, WatchRun } from '../core/run/schema.ts';

export function runLink(run: Exclude<Run, WatchRun | ImportedRun>): Promise<string> {
  return run.kind === 'check' ? encodeCheckLink(run) : encodeScenarioLink(run.scenario, null);
}
