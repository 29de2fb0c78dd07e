/** The one door to a run: a file, the store, an import. What it refuses, it refuses in one sentence. */
import { isPlanDocument, parsedRun, readRunDocument, type ParsedRun } from './document.ts';
import { PlanRun } from './plan.ts';
import { RunButPlan } from './schema.ts';

export { migrateRun, RUN_BOUNDS, RUN_KINDS, type Migrations, type ParsedRun } from './document.ts';

/** Reads a run from JSON text or a plain object. */
export function parseRun(input: unknown): ParsedRun {
  const read = readRunDocument(input);
  if (!read.ok) return read;
  return parsedRun(isPlanDocument(read.value) ? PlanRun : RunButPlan, read.value);
}
