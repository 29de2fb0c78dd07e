/** A recorded run beside its replay: the latencies' distributions and what the engine held over time. */
import { describeMetric, type MetricId } from '../../../core/metrics/definitions.ts';
import {
  REPLAY_METRICS,
  REPLAY_SERIES,
  type ReplayMetric,
  type ReplayReport,
  type ReplaySeries,
  type ReplaySeriesName,
} from '../../../core/run/replay.ts';
import type { FigurePoint, FigureSeries, FigureSpec } from '../../figure.ts';
import { formatNumber, formatValue } from '../../format.ts';

const METRIC: Readonly<Record<ReplayMetric, readonly [id: MetricId, name: string, label: string]>> = {
  ttftMs: ['ttft', 'TTFT', 'Time to first token'],
  tpotMs: ['tpot', 'TPOT', 'Time per output token'],
  e2eMs: ['e2e', 'E2E', 'Request latency'],
};

const SERIES: Readonly<Record<ReplaySeriesName, readonly [title: string, label: string, unit: string]>> = {
  running: ['Requests running', 'Requests', ''],
  waiting: ['Requests waiting', 'Requests', ''],
  kvUsagePercent: ['KV cache in use', 'KV in use', '%'],
};

/** Colours of the two sides, the same in every figure. */
const [MEASURED, PREDICTED] = [0, 1];

export interface ReplaySource {
  readonly name: string;
  readonly createdAt: string;
}

export function replayFigures(report: ReplayReport, source: ReplaySource): FigureSpec[] {
  return [
    ...REPLAY_METRICS.map((metric) => latencyFigure(report, metric, source)),
    ...REPLAY_SERIES.flatMap((name) => {
      const series = report.series[name];
      return series === undefined ? [] : [seriesFigure(report, name, series, source)];
    }),
  ];
}

function common(report: ReplayReport, { name, createdAt }: ReplaySource) {
  return {
    subtitle: `${report.model} · ${report.gpu} · vLLM ${report.vllmVersion}`,
    origin: 'simulated' as const,
    notes: [
      `Measured is the recording “${name}”; predicted is simulated with ${report.costModel.name}.`,
      ...report.notes,
    ],
    source: { runId: `replay of ${name}`, command: null, createdAt },
  };
}

function latencyFigure(report: ReplayReport, metric: ReplayMetric, source: ReplaySource): FigureSpec {
  const [id, name, label] = METRIC[metric];
  const { measured, predicted, errorPercent } = report;
  const positive = [...report.samples.measured[metric], ...report.samples.predicted[metric]].every(
    (v) => v > 0,
  );
  return {
    id: `replay_${id}_cdf`,
    mark: 'cdf',
    title: `${label}: predicted and measured`,
    x: { label, unit: 'ms', scale: positive ? 'log' : 'linear' },
    y: { label: 'Share of requests that took at most x', unit: 'share', scale: 'linear' },
    series: [
      curve('measured', 'Measured', MEASURED, report.measured[metric], report.samples.measured[metric]),
      curve('predicted', 'Predicted', PREDICTED, report.predicted[metric], report.samples.predicted[metric]),
    ],
    definition: `${describeMetric(id)} Both sides count from the moment the engine queued the request.`,
    finding: `Mean ${name} is predicted as ${formatValue(predicted[metric].mean, 'ms')} and was measured as ${formatValue(measured[metric].mean, 'ms')} (${signed(errorPercent[metric].mean)}); p99 as ${formatValue(predicted[metric].p99, 'ms')} and ${formatValue(measured[metric].p99, 'ms')} (${signed(errorPercent[metric].p99)}).`,
    ...common(report, source),
  };
}

function curve(
  id: string,
  label: string,
  colour: number,
  summary: ReplayReport['measured'][ReplayMetric],
  values: readonly number[],
): FigureSeries {
  const marks = [
    ['p50', 0.5],
    ['p90', 0.9],
    ['p95', 0.95],
    ['p99', 0.99],
  ] as const;
  const points = marks.map(([name, y]): FigurePoint => ({
    x: summary[name],
    y,
    label: name,
    n: values.length,
  }));
  const dashed = colour === PREDICTED ? { dashed: true } : {};
  return { id, label, colour, ...dashed, points, samples: [{ x: null, values }] };
}

function seriesFigure(
  report: ReplayReport,
  name: ReplaySeriesName,
  series: ReplaySeries,
  source: ReplaySource,
): FigureSpec {
  const [title, label, unit] = SERIES[name];
  const line = (id: string, words: string, colour: number, values: readonly number[]): FigureSeries => ({
    id,
    label: words,
    colour,
    ...(colour === PREDICTED ? { dashed: true } : {}),
    points: series.timeSeconds.map((time, i) => ({ x: time, y: values[i] ?? null })),
  });
  return {
    id: `replay_${name}`,
    mark: 'line',
    title: `${title}: predicted and measured`,
    x: { label: 'Time', unit: 's', scale: 'linear' },
    y: { label, unit, scale: 'linear' },
    series: [
      line('measured', 'Measured', MEASURED, series.measured),
      line('predicted', 'Predicted', PREDICTED, series.predicted),
    ],
    definition: 'At the times of the recording, from the arrival of the first request in the engine.',
    finding: `The prediction is off by ${formatNumber(series.meanAbsoluteError)}${unit === '' ? '' : ` ${unit}`} on average, ${formatNumber(series.errorPercent)} % of what was measured.`,
    ...common(report, source),
  };
}

/** `+1.2 %`, with a real minus sign. */
export function signed(percent: number): string {
  return `${percent > 0 ? '+' : ''}${formatNumber(percent)} %`;
}
