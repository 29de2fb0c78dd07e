/** The one door to a run: a file, the store, an import. What it refuses, it refuses in one sentence. */
import type * as v from 'valibot';
import { AutopilotRun } from './autopilot.ts';
import { lazyKind, parsedRun, readRunDocument, type LazyKind, type ParsedRun } from './document.ts';
import { ImportedRun } from './imported.ts';
import { LoadRun, WatchRun } from './load.ts';
import { PlanRun } from './plan.ts';
import { EagerRun, type Run } from './schema.ts';

export { migrateRun, RUN_BOUNDS, RUN_KINDS, type Migrations, type ParsedRun } from './document.ts';

const LAZY_RUNS: Readonly<Record<LazyKind, v.GenericSchema<unknown, Run>>> = {
  plan: PlanRun,
  load: LoadRun,
  watch: WatchRun,
  autopilot: AutopilotRun,
  imported: ImportedRun,
};

/** Reads a run from JSON text or a plain object. */
export function parseRun(input: unknown): ParsedRun {
  const read = readRunDocument(input);
  if (!read.ok) return read;
  const kind = lazyKind(read.value);
  return parsedRun(kind === null ? EagerRun : LAZY_RUNS[kind], read.value);
}
