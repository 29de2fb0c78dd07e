/** The same door as parse.ts, for the page: the schema of plans is loaded with the first plan that comes through. */
import { isPlanDocument, parsedRun, readRunDocument, type ParsedRun } from './document.ts';
import { RunButPlan } from './schema.ts';

/** Reads a run from JSON text or a plain object. */
export async function parseRunLazily(input: unknown): Promise<ParsedRun> {
  const read = readRunDocument(input);
  if (!read.ok) return read;
  if (!isPlanDocument(read.value)) return parsedRun(RunButPlan, read.value);
  const { PlanRun } = await import('./plan.ts');
  return parsedRun(PlanRun, read.value);
}
