/** A quality run as CSV: one row a cache with its intervals, or one row a question and a scored token. */
import { qualityRows, type Bounds } from '../core/metrics/quality/rows.ts';
import type { QualityRun } from '../core/run/quality.ts';
import { cellLabel } from '../core/scenario/quality/cells.ts';
import { toCsv, type Cell } from './csv.ts';

const NUMBERS = ['perplexity', 'klDivergence', 'top1Agreement', 'attentionError', 'tpotMs'] as const;
const UNITS: Readonly<Record<(typeof NUMBERS)[number], string>> = {
  perplexity: '',
  klDivergence: ' [nats]',
  top1Agreement: ' [share]',
  attentionError: ' [share]',
  tpotMs: ' [ms]',
};

const withBounds = (value: number | null | undefined, bounds: Bounds | null | undefined): Cell[] => [
  value ?? null,
  bounds?.[0] ?? null,
  bounds?.[1] ?? null,
];
const columns = (name: string, unit: string): string[] => [`${name}${unit}`, `${name} low`, `${name} high`];

/** One row a cache. Low and high are 95 % intervals; an empty field is a number that could not be had. */
export function qualityPointsToCsv(run: QualityRun): string {
  const rows = qualityRows(run);
  const distances = [...new Set(rows.flatMap(({ recall }) => Object.keys(recall)))].sort(
    (a, b) => Number(a) - Number(b),
  );
  const header = [
    ...['kFormat', 'vFormat', 'policy', 'budget', 'variant', 'status', 'reason', 'emulated'],
    ...['bytesPerToken [B]', 'heldBytesPerToken [B]'],
    ...distances.flatMap((distance) => columns(`recall at ${distance}`, ' [share]')),
    ...NUMBERS.flatMap((name) => columns(name, UNITS[name])),
  ];
  const cells = rows.map((row): Cell[] => [
    ...[row.kFormat, row.vFormat, row.policy, row.budget, row.variant, row.status, row.reason, row.emulated],
    ...[row.bytesPerToken, row.heldBytesPerToken],
    ...distances.flatMap((distance) => withBounds(row.recall[distance], row.interval.recall[distance])),
    ...NUMBERS.flatMap((name) => withBounds(row[name], row.interval[name])),
  ]);
  return toCsv(header, cells);
}

/** One row a question, then one a scored token; what does not apply is empty. */
export function qualitySamplesToCsv(run: QualityRun): string {
  const header = [
    'cache',
    'task',
    'distance',
    'depth',
    'sample',
    'position',
    'right',
    'probability',
    'nll',
    'kl',
  ];
  const rows = run.points.flatMap((point) => {
    const cache = cellLabel(point.cell);
    const questions = point.recall.flatMap(({ distance, depth, right, probability }) =>
      right.map((one, i): Cell[] => [
        ...[cache, 'recall', distance, depth, i, null, one, probability[i] ?? null, null, null],
      ]),
    );
    const tokens = point.text.flatMap(({ nll, kl, agree }, sample) =>
      nll.map((one, i): Cell[] => [
        ...[cache, 'text', null, null, sample, i, agree[i] ?? null, null, one, kl[i] ?? null],
      ]),
    );
    return [...questions, ...tokens];
  });
  return toCsv(header, rows);
}
