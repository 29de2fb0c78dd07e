/** A run as files: JSON that the page reads again, one CSV row a request, one CSV row a point. */
import { METRICS } from '../core/metrics/definitions.ts';
import { DISTRIBUTION_IDS, SCALAR_IDS } from '../core/metrics/samples.ts';
import { PERCENTS, summarizeRun, type Estimate, type PointSummary } from '../core/metrics/summarize.ts';
import type { CheckRun, LabRun, Point, Run } from '../core/run/schema.ts';
import { toCsv, type Cell } from './csv.ts';

/** The run as JSON text; `parseRun` gives the same run back. */
export function runToJson(run: Run): string {
  return `${JSON.stringify(run)}\n`;
}

/** File name without an ending: title and date, in letters that every file system takes. */
export function fileStem({ title, createdAt }: Run): string {
  const words = title
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '');
  return `${words.slice(0, 60) || 'run'}-${createdAt.slice(0, 10).replace(/[^0-9-]/g, '')}`;
}

function axesOf(points: readonly Point[]): string[] {
  return [...new Set(points.flatMap(({ settings }) => Object.keys(settings)))];
}

function settingsCells(axes: readonly string[], settings: Point['settings']): Cell[] {
  return axes.map((axis) => settings[axis] ?? null);
}

const REQUEST_COLUMNS = [
  'id',
  'promptTokens',
  'outputTokens',
  'queuedMs',
  'startMs',
  'firstTokenMs',
  'endMs',
  'peakKvBytes',
  'backend',
  'error',
] as const;

/** One row a request of every repetition: its point's settings, then the columns of the request. */
export function requestsToCsv(run: LabRun): string {
  const axes = axesOf(run.points);
  const rows = run.points.flatMap(({ settings, repetitions }) =>
    repetitions.flatMap(({ requests }, repetition) =>
      requests.map((request): Cell[] => [
        ...settingsCells(axes, settings),
        repetition,
        request.group,
        ...REQUEST_COLUMNS.map((column) => request[column]),
      ]),
    ),
  );
  return toCsv([...axes, 'repetition', 'group', ...REQUEST_COLUMNS], rows);
}

function estimateCells({ value, interval }: Estimate): Cell[] {
  return [value, interval?.low ?? null, interval?.high ?? null];
}

function pointCells(axes: readonly string[], point: PointSummary): Cell[] {
  return [
    ...settingsCells(axes, point.settings),
    point.status,
    point.reason,
    point.variant,
    point.repetitions,
    point.finishedRequests,
    point.failedRequests,
    ...SCALAR_IDS.flatMap((id) => estimateCells(point.scalars[id])),
    ...DISTRIBUTION_IDS.flatMap((id) => {
      const { samples, percentiles } = point.distributions[id];
      return [samples, ...PERCENTS.flatMap((percent) => estimateCells(percentiles[percent]))];
    }),
  ];
}

function estimateColumns(name: string): string[] {
  return [name, `${name} low`, `${name} high`];
}

/** Column names carry the unit; low and high are 95 % intervals. An empty cell is a number that could not be had. */
export function pointsToCsv(run: LabRun): string {
  const axes = axesOf(run.points);
  const scalars = SCALAR_IDS.flatMap((id) => estimateColumns(`${id} [${METRICS[id].unit}]`));
  const distributions = DISTRIBUTION_IDS.flatMap((id) => [
    `${id} samples`,
    ...PERCENTS.flatMap((percent) => estimateColumns(`${id} p${percent} [${METRICS[id].unit}]`)),
  ]);
  const counts = ['status', 'reason', 'variant', 'repetitions', 'finishedRequests', 'failedRequests'];
  const rows = summarizeRun(run).points.map((point) => pointCells(axes, point));
  return toCsv([...axes, ...counts, ...scalars, ...distributions], rows);
}

/** One row a measurement of a hardware check. */
export function checkToCsv(run: CheckRun): string {
  const rows = run.measurements.map(({ id, label, value, unit, percentOfPeak, samples, note }): Cell[] => [
    id,
    label,
    value,
    unit,
    percentOfPeak,
    samples.length,
    note,
  ]);
  return toCsv(['id', 'label', 'value', 'unit', 'percentOfPeak', 'samples', 'note'], rows);
}
