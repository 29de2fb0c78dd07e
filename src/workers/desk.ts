/** The desk's work, without the worker around it. */
import { figuresFor } from '../charts/figures/index.ts';
import { checkToCsv, pointsToCsv, requestsToCsv } from '../exchange/run-files.ts';
import { parseRun } from '../core/run/parse.ts';
import type { Run } from '../core/run/schema.ts';
import { openRunStore, type RunStore } from '../store/runs.ts';
import type { DeskApi } from './desk-api.ts';

function csvOf(run: Run, rows: 'requests' | 'points' | 'measurements'): string {
  if (run.kind === 'check') return checkToCsv(run);
  return rows === 'points' ? pointsToCsv(run) : requestsToCsv(run);
}

/** @param openStore opened on the first question that needs it, and again after a failure */
export function createDesk(openStore: () => Promise<RunStore> = openRunStore): DeskApi {
  let opened: Promise<RunStore> | null = null;
  const store = (): Promise<RunStore> => {
    opened ??= openStore().catch((error: unknown) => {
      opened = null;
      throw error;
    });
    return opened;
  };
  return {
    readRun: (text) => Promise.resolve(parseRun(text)),
    figures: (run, other) => Promise.resolve(figuresFor(run, other ?? undefined)),
    csv: (run, rows) => Promise.resolve(csvOf(run, rows)),
    list: async () => (await store()).list(),
    get: async (id) => (await store()).get(id),
    put: async (run) => (await store()).put(run),
    rename: async (id, title) => (await store()).rename(id, title),
    remove: async (id) => (await store()).remove(id),
    exportAll: async () => (await store()).exportAll(),
    importText: async (text) => (await store()).importText(text),
  };
}
