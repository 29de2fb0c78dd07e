/** The same door as parse.ts, for the page: the schemas of larger runs are loaded with the first one that comes through. */
import type * as v from 'valibot';
import { lazyKind, parsedRun, readRunDocument, type LazyKind, type ParsedRun } from './document.ts';
import { EagerRun, type Run } from './schema.ts';

const LAZY_RUNS: Readonly<Record<LazyKind, () => Promise<v.GenericSchema<unknown, Run>>>> = {
  plan: async () => (await import('./plan.ts')).PlanRun,
  load: async () => (await import('./load.ts')).LoadRun,
  watch: async () => (await import('./load.ts')).WatchRun,
  autopilot: async () => (await import('./autopilot.ts')).AutopilotRun,
  imported: async () => (await import('./imported.ts')).ImportedRun,
};

/** Reads a run from JSON text or a plain object. */
export async function parseRunLazily(input: unknown): Promise<ParsedRun> {
  const read = readRunDocument(input);
  if (!read.ok) return read;
  const kind = lazyKind(read.value);
  return parsedRun(kind === null ? EagerRun : await LAZY_RUNS[kind](), read.value);
}
