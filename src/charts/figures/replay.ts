/** A replay as figures: predicted on measured, the distributions and the series. */
import { describeMetric, type MetricId } from '../../core/metrics/definitions.ts';
import { percentileOfSorted } from '../../core/metrics/percentiles.ts';
import {
  REPLAY_METRICS,
  REPLAY_SERIES,
  type ReplayMetric,
  type ReplayReport,
  type ReplaySeriesName,
} from '../../core/run/replay.ts';
import type { FigurePoint, FigureSeries, FigureSpec } from '../figure.ts';
import { formatNumber, formatValue } from '../format.ts';

interface Latency {
  readonly metric: MetricId;
  readonly label: string;
  readonly short: string;
}

const LATENCIES: Readonly<Record<ReplayMetric, Latency>> = {
  ttftMs: { metric: 'ttft', label: 'Time to first token', short: 'TTFT' },
  tpotMs: { metric: 'tpot', label: 'Time per output token', short: 'TPOT' },
  e2eMs: { metric: 'e2e', label: 'Request latency', short: 'E2E' },
};

const SERIES: Readonly<Record<ReplaySeriesName, { label: string; unit: string; definition: string }>> = {
  running: {
    label: 'Requests running',
    unit: '',
    definition: 'Requests in the engine’s batch at the end of each tick.',
  },
  waiting: {
    label: 'Requests waiting',
    unit: '',
    definition: 'Requests queued and not admitted, or preempted, at the end of each tick.',
  },
  kvUsagePercent: {
    label: 'KV blocks in use',
    unit: '%',
    definition: 'Blocks that a request refers to, of all that can be given out, at the end of each tick.',
  },
};

const MARKED = [50, 90, 95, 99] as const;

export interface ReplaySource {
  readonly command: string | null;
  readonly createdAt?: string;
}

/** Distributions first, then the series that were recorded. */
export function replayFigures(report: ReplayReport, source: ReplaySource): FigureSpec[] {
  return [
    ...REPLAY_METRICS.map((key) => latencyFigure(report, key, LATENCIES[key], source)),
    ...REPLAY_SERIES.flatMap((name) => seriesFigure(report, name, source) ?? []),
  ];
}

function sourceOf(report: ReplayReport, { command, createdAt }: ReplaySource): FigureSpec['source'] {
  return {
    runId: `replay-${report.model}-${report.gpu}`.toLowerCase().replace(/[^a-z0-9]+/g, '-'),
    command,
    ...(createdAt === undefined ? {} : { createdAt }),
  };
}

function subtitleOf({ model, gpu, vllmVersion, requests, costModel }: ReplayReport): string {
  const grounds = costModel.basis.assumed > 0 ? 'roofline' : 'measured layer table';
  return `${model} on ${gpu}, vLLM ${vllmVersion}, ${formatNumber(requests)} requests · ${grounds}`;
}

function latencyFigure(
  report: ReplayReport,
  key: ReplayMetric,
  { metric, label, short }: Latency,
  source: ReplaySource,
): FigureSpec {
  const side = (id: 'measured' | 'predicted', colour: number): FigureSeries => {
    const values = report.samples[id][key];
    return {
      id,
      label: id === 'measured' ? 'Measured' : 'Predicted',
      colour,
      ...(id === 'predicted' ? { dashed: true } : { broad: true }),
      points: MARKED.filter((p) => values.length >= 100 / (100 - p)).map((p): FigurePoint => ({
        x: percentileOfSorted(values, p),
        y: p / 100,
        label: `p${p}`,
        n: values.length,
      })),
      samples: [{ x: null, values }],
    };
  };
  const positive = [...report.samples.measured[key], ...report.samples.predicted[key]].every((x) => x > 0);
  const errors = report.errorPercent[key];
  return {
    id: `replay_${metric}_cdf`,
    mark: 'cdf',
    title: `${label}: predicted and measured`,
    subtitle: subtitleOf(report),
    x: { label: short, unit: 'ms', scale: positive ? 'log' : 'linear' },
    y: { label: 'Share of requests that took at most x', unit: 'share', scale: 'linear' },
    series: [side('measured', 0), side('predicted', 1)],
    origin: 'simulated',
    definition: `${describeMetric(metric)} Times count from when the engine queued a request.`,
    finding:
      `The mean ${short} is ${formatValue(report.predicted[key].mean, 'ms')} predicted and ` +
      `${formatValue(report.measured[key].mean, 'ms')} measured (${signed(errors.mean)}); p99 is off by ${signed(errors.p99)}.`,
    notes: report.notes,
    source: sourceOf(report, source),
  };
}

function seriesFigure(
  report: ReplayReport,
  name: ReplaySeriesName,
  source: ReplaySource,
): FigureSpec | undefined {
  const series = report.series[name];
  if (!series) return undefined;
  const { label, unit, definition } = SERIES[name];
  const line = (id: 'measured' | 'predicted', colour: number): FigureSeries => ({
    id,
    label: id === 'measured' ? 'Measured' : 'Predicted',
    colour,
    ...(id === 'predicted' ? { dashed: true } : { broad: true }),
    step: true,
    points: series[id].map((y, i) => ({ x: series.timeSeconds[i] ?? 0, y })),
  });
  const mean = `${formatNumber(series.meanAbsoluteError)}${unit === '' ? ' requests' : ' percentage points'}`;
  return {
    id: `replay_${name.replace('Percent', '').toLowerCase()}`,
    mark: 'line',
    title: `${label}: predicted and measured`,
    subtitle: subtitleOf(report),
    x: { label: 'Time', unit: 's', scale: 'linear' },
    y: { label, unit, scale: 'linear' },
    series: [line('measured', 0), line('predicted', 1)],
    origin: 'simulated',
    definition,
    finding: `The two differ by ${mean} on average, ${formatNumber(series.errorPercent)} % of what was measured.`,
    notes: report.notes,
    source: sourceOf(report, source),
  };
}

function signed(percent: number): string {
  return `${percent < 0 ? '−' : '+'}${Math.abs(percent).toFixed(1)} %`;
}
