/** Names and labels of the formats, apart from who writes them: a menu needs no exporter. */
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
  svg: 'figures as SVG',
  markdown: 'report, Markdown',
  html: 'report, one HTML file',
  'llm-d': 'llm-d benchmark report 0.2.1',
  prometheus: 'Prometheus text, also for the textfile collector',
  grafana: 'Grafana dashboard for those metrics',
  'chrome-trace': 'trace for Perfetto',
  vllm: 'settings for vLLM',
  'transformers.js': 'code for transformers.js',
};
