/** Names and labels of the formats, and which kinds of run have them, apart from who writes them: a menu needs no exporter. */
import type { Run } from '../../core/run/schema.ts';

export const EXPORT_FORMATS = [
  'json',
  'csv',
  'svg',
  'markdown',
  'html',
  'llm-d',
  'prometheus',
  'grafana',
  'chrome-trace',
  'vllm',
  'transformers.js',
] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export const EXPORT_LABELS: Readonly<Record<ExportFormat, string>> = {
  json: 'JSON that KV Lab reads again',
  csv: 'CSV, a file a table',
  svg: 'Figures as SVG',
  markdown: 'Report, Markdown',
  html: 'Report, one HTML file',
  'llm-d': 'llm-d benchmark report 0.2.1',
  prometheus: 'Prometheus text, also for the textfile collector',
  grafana: 'Grafana dashboard for those metrics',
  'chrome-trace': 'Trace for Perfetto',
  vllm: 'Settings for vLLM',
  'transformers.js': 'Code for transformers.js',
};

/** Kinds that say something of requests. */
export const FACT_KINDS: readonly Run['kind'][] = [
  'lab',
  'simulate',
  'serve',
  'load',
  'watch',
  'autopilot',
  'imported',
];

const ALL: readonly Run['kind'][] = [
  'lab',
  'check',
  'simulate',
  'quality',
  'serve',
  'tune',
  'plan',
  'load',
  'watch',
  'autopilot',
  'imported',
];
const SETTINGS: readonly Run['kind'][] = ['simulate', 'plan', 'tune', 'autopilot'];

/** Kinds of run that have a format. */
const KINDS: Readonly<Record<ExportFormat, readonly Run['kind'][]>> = {
  json: ALL,
  csv: ALL,
  svg: ALL,
  markdown: ALL,
  html: ALL,
  'llm-d': FACT_KINDS,
  prometheus: FACT_KINDS,
  grafana: FACT_KINDS,
  'chrome-trace': ['lab', 'simulate', 'serve', 'load', 'watch', 'autopilot'],
  vllm: SETTINGS,
  'transformers.js': SETTINGS,
};

/** The formats that a kind of run has, in the order of the table. */
export function formatsOf(kind: Run['kind']): ExportFormat[] {
  return EXPORT_FORMATS.filter((format) => KINDS[format].includes(kind));
}
