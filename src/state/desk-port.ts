/** The desk as the states ask for it: the library, the reader of run files, the maker of figures. */
import type { DeskApi } from '../workers/desk-api.ts';
import type { LibraryPort } from './library.svelte.ts';

export type ReadsRuns = Pick<DeskApi, 'readRun'>;
export type MakesFigures = Pick<DeskApi, 'figures'>;
export type DeskPort = LibraryPort &
  ReadsRuns &
  MakesFigures &
  Pick<DeskApi, 'csv' | 'json' | 'report' | 'exportRun'>;

export function deskPort(desk: () => DeskApi): DeskPort {
  return {
    readRun: (text) => desk().readRun(text),
    figures: (run, other) => desk().figures(run, other),
    csv: (run, rows) => desk().csv(run, rows),
    json: (run) => desk().json(run),
    report: (run, baseline, format) => desk().report(run, baseline, format),
    list: () => desk().list(),
    get: (id) => desk().get(id),
    put: (run) => desk().put(run),
    rename: (id, title) => desk().rename(id, title),
    remove: (id) => desk().remove(id),
    exportAll: () => desk().exportAll(),
    exportRun: (run, format) => desk().exportRun(run, format),
    importText: (text, file) => desk().importText(text, file),
  };
}
