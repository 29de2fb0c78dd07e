/**
 * The one door for a file from elsewhere: a run of ours, the results of another tool, or a trace. Which it is, is seen from
 * its names, never from the name of the file.
 */
import { isJsonObject, readJson, type Read } from '../../core/json.ts';
import { RUN_BOUNDS, RUN_KINDS } from '../../core/run/document.ts';
import type { ImportedRun } from '../../core/run/imported.ts';
import type { MeasuredResult } from '../../core/run/measured.ts';
import { RUN_VERSION } from '../../core/run/version.ts';
import { detectTrace, TRACE_FORMATS, type TraceFormat } from '../../core/workload/traces/detect.ts';
import { looksLikeResults } from '../results/csv.ts';
import { readResults } from '../results/read.ts';
import { testedSentence, TOOL_SOURCES } from './sources.ts';

/** What makes an import a run of ours: who, when, with which version. */
export interface ImportStamp {
  readonly id: string;
  readonly createdAt: string;
  readonly appVersion: string;
  /** Name of the file, without its folders. */
  readonly file: string;
  readonly command: string | null;
}

export type FileKind =
  | { readonly kind: 'run' }
  | { readonly kind: 'results' }
  | { readonly kind: 'trace'; readonly format: TraceFormat };

/** What a file seems to be, from its beginning; results where nothing speaks for another. */
export function fileKind(head: string): FileKind {
  const start = head.trimStart();
  const [firstLine = ''] = start.split('\n', 1);
  if (isRunHead(start)) return { kind: 'run' };
  if (!start.startsWith('{') && looksLikeResults(start)) return { kind: 'results' };
  const format = detectTrace(firstLine);
  return format === null ? { kind: 'results' } : { kind: 'trace', format };
}

/** A run begins with its version and kind; an export of all runs with its format. */
function isRunHead(start: string): boolean {
  const head = start.slice(0, 400);
  if (/^\{\s*"format"\s*:\s*"kvlab-runs"/.test(head)) return true;
  const kind = /"kind"\s*:\s*"([a-z]+)"/.exec(head)?.[1];
  return kind !== undefined && /^\{\s*"version"\s*:/.test(head) && RUN_KINDS.has(kind);
}

export function traceSentence(format: TraceFormat): string {
  return `This is a trace (${TRACE_FORMATS[format]}), not a result; choose it as the trace of a simulation or a load.`;
}

/** Results of another tool as a run that is kept, compared and exported like any other. */
export function importResults(text: string, stamp: ImportStamp): Read<ImportedRun> {
  const read = readResults(text);
  return read.ok ? { ok: true, value: importedRun(read.value, stamp) } : read;
}

const MAX_TITLE = 120;

export function importedRun(points: readonly MeasuredResult[], stamp: ImportStamp): ImportedRun {
  const tool = points[0]?.tool ?? 'csv';
  const { label } = TOOL_SOURCES[tool];
  const model = points[0]?.model ?? null;
  const mixed = new Set(points.map((point) => point.tool)).size > 1;
  return {
    version: RUN_VERSION,
    kind: 'imported',
    id: stamp.id.slice(0, 60),
    title: `${label}: ${model ?? stamp.file}`.slice(0, MAX_TITLE),
    createdAt: stamp.createdAt,
    // What a simulator wrote is no measurement, whatever it calls itself.
    origin: tool === 'llmservingsim' ? 'simulated' : 'measured',
    appVersion: stamp.appVersion.slice(0, 40),
    command: stamp.command,
    tool,
    file: stamp.file.slice(0, 200),
    tested: testedSentence(tool),
    points: [...points],
    notes: [
      `Read by the importer of ${label}. ${testedSentence(tool)}`.slice(0, 600),
      ...(mixed ? ['The file has points of more than one tool; the first one is named.'] : []),
    ],
    complete: true,
  };
}

/** The kind of a JSON document that is a run of ours; null for any other. */
export function runKindOf(text: string): string | null {
  const read = readJson(text, RUN_BOUNDS);
  if (!read.ok || !isJsonObject(read.value)) return null;
  const kind = read.value['kind'];
  return typeof kind === 'string' && RUN_KINDS.has(kind) ? kind : null;
}
