/**
 * The desk: everything that is done with runs once they are measured and that would hold the page up. It keeps runs,
 * reads files and computes figures, in a worker of its own, so that it disturbs neither the page nor a measurement.
 *
 * Errors cross as sentences; structured clone keeps an Error's message and drops its class.
 */
import type { FigureSpec } from '../charts/figure.ts';
import type { Run } from '../core/run/schema.ts';
import type { Read } from '../core/json.ts';
import type { CsvRows } from '../exchange/run-csv.ts';
import type { ExportFormat } from '../exchange/write/format-names.ts';
import type { ExportFile } from '../exchange/write/formats.ts';
import type { Imported, RunEntry } from '../store/runs.ts';

export type ReadRun =
  { readonly ok: true; readonly run: Run } | { readonly ok: false; readonly sentence: string };

export type { CsvRows };

export type ReportFormat = 'html' | 'md';

export interface DeskApi {
  /** A run file's text through the one door to runs. */
  readRun(text: string): Promise<ReadRun>;
  /** Every figure that the run offers; with `other`, figures that both offer show both. */
  figures(run: Run, other: Run | null): Promise<readonly FigureSpec[]>;
  /** The run as CSV: a row a request, a point, a sample of the series (simulations) or a measurement (checks). */
  csv(run: Run, rows: CsvRows): Promise<string>;
  /** The run as a file that `readRun` reads, with every row that is kept of it. */
  json(run: Run): Promise<string>;
  /** The run, or both beside each other, as a report with its figures inside, or as Markdown. */
  report(run: Run, baseline: Run | null, format: ReportFormat): Promise<string>;
  /** The run in a format of the field, as files; or one sentence why not. */
  exportRun(run: Run, format: ExportFormat): Promise<Read<readonly ExportFile[]>>;
  list(): Promise<readonly RunEntry[]>;
  /** A simulation comes without the rows of its requests beyond the first ones. */
  get(id: string): Promise<Run | null>;
  put(run: Run): Promise<void>;
  rename(id: string, title: string): Promise<void>;
  remove(id: string): Promise<void>;
  exportAll(): Promise<string>;
  /** A run, an export of everything, or what another tool measured; the name of the file stands in the run. */
  importText(text: string, file?: string): Promise<Imported>;
}
