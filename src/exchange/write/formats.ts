/** Every format in which a run goes out: what it is for, which kinds have it, and who writes it. One table for all. */
import { figuresFor } from '../../charts/figures/index.ts';
import { renderSvg } from '../../charts/svg.ts';
import type { JsonObject, Read } from '../../core/json.ts';
import type { Run } from '../../core/run/schema.ts';
import { runReportHtml, runReportMarkdown } from '../report/run-report.ts';
import { CSV_ROWS, csvOf } from '../run-csv.ts';
import { fileStem, runToJson } from '../run-files.ts';
import { chromeTrace } from './chrome-trace.ts';
import { engineCode, type CodeTarget } from './engine-code.ts';
import type { ExportFormat } from './format-names.ts';
import { grafanaDashboard } from './grafana.ts';
import { llmdReports } from './llm-d.ts';
import { prometheusText } from './prometheus.ts';

export { EXPORT_FORMATS, EXPORT_LABELS, formatsOf, type ExportFormat } from './format-names.ts';

export interface ExportFile {
  readonly name: string;
  readonly text: string;
  /** MIME type. */
  readonly type: string;
}

export interface ExportOptions {
  /** Names of kv-optkit beside ours, in Prometheus text. */
  readonly kvopt?: boolean;
}

type Exporter = (run: Run, options: ExportOptions) => Read<readonly ExportFile[]>;

const JSON_TYPE = 'application/json';

function one(name: string, text: string, type: string): Read<readonly ExportFile[]> {
  return { ok: true, value: [{ name, text, type }] };
}

function mapped<T>(read: Read<T>, files: (value: T) => readonly ExportFile[]): Read<readonly ExportFile[]> {
  return read.ok ? { ok: true, value: files(read.value) } : read;
}

function jsonText(document: JsonObject): string {
  return `${JSON.stringify(document, null, 1)}\n`;
}

const csvFiles: Exporter = (run) => ({
  ok: true,
  value: CSV_ROWS[run.kind].map((rows) => ({
    name: `${fileStem(run)}-${rows}.csv`,
    text: csvOf(run, rows),
    type: 'text/csv',
  })),
});

const svgFiles: Exporter = (run) => {
  const figures = figuresFor(run);
  return figures.length === 0
    ? { ok: false, sentence: `“${run.title}” offers no figure; take one with finished points.` }
    : {
        ok: true,
        value: figures.map((figure) => ({
          name: `${figure.id}.svg`,
          text: renderSvg(figure),
          type: 'image/svg+xml',
        })),
      };
};

/** A document by itself, or a line for each where there are several. */
const llmdFiles: Exporter = (run) =>
  mapped(llmdReports(run), (reports) => {
    const stem = `${fileStem(run)}-llm-d`;
    const [first, ...more] = reports;
    if (first !== undefined && more.length === 0)
      return [{ name: `${stem}.json`, text: jsonText(first), type: JSON_TYPE }];
    return reports.map((report, at) => ({
      name: `${stem}-${at + 1}.json`,
      text: jsonText(report),
      type: JSON_TYPE,
    }));
  });

const codeFiles =
  (target: CodeTarget): Exporter =>
  (run) =>
    mapped(engineCode(run, target), ({ text, extension }) => [
      { name: `${fileStem(run)}-${target.replace('.', '')}.${extension}`, text, type: 'text/plain' },
    ]);

const EXPORTERS: Readonly<Record<ExportFormat, Exporter>> = {
  json: (run) => one(`${fileStem(run)}.json`, runToJson(run), JSON_TYPE),
  csv: csvFiles,
  svg: svgFiles,
  markdown: (run) => one(`${fileStem(run)}.md`, runReportMarkdown(run), 'text/markdown'),
  html: (run) => one(`${fileStem(run)}.html`, runReportHtml(run), 'text/html'),
  'llm-d': llmdFiles,
  prometheus: (run, { kvopt = false }) =>
    mapped(prometheusText(run, { kvopt }), (text) => [
      { name: `${fileStem(run)}.prom`, text, type: 'text/plain' },
    ]),
  grafana: () => one('kvlab-grafana.json', jsonText(grafanaDashboard()), JSON_TYPE),
  'chrome-trace': (run) =>
    mapped(chromeTrace(run), (document) => [
      { name: `${fileStem(run)}-trace.json`, text: `${JSON.stringify(document)}\n`, type: JSON_TYPE },
    ]),
  vllm: codeFiles('vllm'),
  'transformers.js': codeFiles('transformers.js'),
};

/** A run in a format, as files, or one sentence why not. */
export function exportRun(
  run: Run,
  format: ExportFormat,
  options: ExportOptions = {},
): Read<readonly ExportFile[]> {
  return EXPORTERS[format](run, options);
}
