/**
 * A table of measured points, one row a load, for tools that are not known here and for numbers out of a paper.
 *
 * Columns are found by name, in any order: `concurrency`, `request_rate`, `prompt_tokens` (isl), `output_tokens` (osl),
 * `ttft`, `tpot`, `itl`, `e2e`, each with `_ms` or `_s` and, for a percentile, `_p50` … `_p99`; `requests_per_second`,
 * `output_tokens_per_second`, `kv_tokens`, `weights_gib`, `peak_gib`, `model`, `label`. Our definitions are assumed.
 */
import type { Read } from '../../core/json.ts';
import {
  FIGURE_LABELS,
  MEASURED_STATISTICS,
  MEASURED_TIMES,
  NO_DISTRIBUTION,
  NO_MEMORY,
  type FigureDefinition,
  type MeasuredDistribution,
  type MeasuredResult,
  type MeasuredStatistic,
  type MeasuredTime,
} from '../../core/run/measured.ts';
import { fromCsv } from '../csv.ts';
import { isEmpty, loadLabel } from './fields.ts';
import { became, refused } from './importer.ts';

type Scalar =
  | 'concurrency'
  | 'rate'
  | 'promptTokens'
  | 'outputTokens'
  | 'requestsPerSecond'
  | 'outputTokensPerSecond'
  | 'kvTokens'
  | 'weightsBytes'
  | 'peakBytes'
  | 'finished'
  | 'failed'
  | 'durationSeconds';

type Target =
  | { readonly kind: 'scalar'; readonly name: Scalar; readonly scale: number }
  | {
      readonly kind: 'time';
      readonly name: MeasuredTime;
      readonly statistic: MeasuredStatistic;
      readonly scale: number;
    }
  | { readonly kind: 'text'; readonly name: 'model' | 'label' };

const GIB = 2 ** 30;

const SCALARS: Readonly<Record<string, readonly [Scalar, number]>> = {
  concurrency: ['concurrency', 1],
  max_concurrency: ['concurrency', 1],
  batch: ['concurrency', 1],
  request_rate: ['rate', 1],
  rate: ['rate', 1],
  rps: ['rate', 1],
  prompt_tokens: ['promptTokens', 1],
  isl: ['promptTokens', 1],
  output_tokens: ['outputTokens', 1],
  osl: ['outputTokens', 1],
  requests_per_second: ['requestsPerSecond', 1],
  request_throughput: ['requestsPerSecond', 1],
  output_tokens_per_second: ['outputTokensPerSecond', 1],
  output_throughput: ['outputTokensPerSecond', 1],
  kv_tokens: ['kvTokens', 1],
  weights_gib: ['weightsBytes', GIB],
  weights_bytes: ['weightsBytes', 1],
  peak_gib: ['peakBytes', GIB],
  peak_bytes: ['peakBytes', 1],
  finished: ['finished', 1],
  completed: ['finished', 1],
  failed: ['failed', 1],
  duration_s: ['durationSeconds', 1],
};

const TIMES: Readonly<Record<string, MeasuredTime>> = {
  ttft: 'ttftMs',
  tpot: 'tpotMs',
  itl: 'itlMs',
  e2e: 'e2eMs',
  e2el: 'e2eMs',
  latency: 'e2eMs',
};

/** What a column holds; null: nothing that is read here. `P99 TTFT (ms)` and `ttft_p99_ms` are the same. */
function targetOf(header: string): Target | null {
  const name = header
    .trim()
    .toLowerCase()
    .replace(/[[\]()/]/g, ' ')
    .trim()
    .replace(/[\s-]+/g, '_');
  if (name === 'model' || name === 'label') return { kind: 'text', name };
  const scalar = Object.hasOwn(SCALARS, name) ? SCALARS[name] : undefined;
  if (scalar) return { kind: 'scalar', name: scalar[0], scale: scalar[1] };
  const words = name.split('_');
  const unit = words.includes('s') || words.includes('seconds') ? 1000 : 1;
  const time = words.flatMap((word) => (Object.hasOwn(TIMES, word) ? (TIMES[word] ?? []) : []))[0];
  if (time === undefined) return null;
  const rest = words.filter((word) => !Object.hasOwn(TIMES, word) && !['ms', 's', 'seconds'].includes(word));
  const [statistic = 'mean', ...more] = rest.map((word) =>
    word === 'median' ? 'p50' : word === 'avg' ? 'mean' : word,
  );
  const known = MEASURED_STATISTICS.find((one) => one === statistic);
  return known === undefined || more.length > 0
    ? null
    : { kind: 'time', name: time, statistic: known, scale: unit };
}

/** Whether a first line has at least one column that is a measurement. */
export function looksLikeResults(csv: string): boolean {
  const [header = []] = fromCsv(csv.slice(0, 4000).split('\n')[0] ?? '');
  return header.map(targetOf).some((target) => target !== null && isMeasurement(target));
}

function isMeasurement(target: Target): boolean {
  if (target.kind === 'time') return true;
  const names: readonly string[] = [
    'requestsPerSecond',
    'outputTokensPerSecond',
    'kvTokens',
    'peakBytes',
    'weightsBytes',
  ];
  return target.kind === 'scalar' && names.includes(target.name);
}

const MAX_ROWS = 5000;

export function readCsvResults(csv: string): Read<MeasuredResult[]> {
  const [header = [], ...rows] = fromCsv(csv);
  const targets = header.map(targetOf);
  if (!targets.some((target) => target !== null && isMeasurement(target))) {
    return refused(
      `No column of this CSV is a measurement; name one ttft_ms, tpot_ms, e2e_ms, requests_per_second, output_tokens_per_second or kv_tokens (it has ${header.slice(0, 8).join(', ')}).`,
    );
  }
  const filled = rows.filter((row) => row.some((cell) => cell.trim() !== ''));
  if (filled.length === 0) return refused('This CSV has a header and no rows; add one for each load.');
  if (filled.length > MAX_ROWS)
    return refused(`This CSV has ${filled.length} rows; at most ${MAX_ROWS} points are read.`);
  const unread = header.filter((_, i) => targets[i] === null).map((name) => name.trim());
  const results: MeasuredResult[] = [];
  for (const [index, row] of filled.entries()) {
    if (row.length !== header.length) {
      return refused(
        `Row ${index + 2} of this CSV has ${row.length} fields and the header ${header.length}; is the file cut off?`,
      );
    }
    const wrong = row.findIndex((cell, i) => isBadNumber(cell, targets[i] ?? null));
    if (wrong >= 0) {
      return refused(
        `Row ${index + 2}, column ${header[wrong] ?? ''}: “${(row[wrong] ?? '').slice(0, 40)}” is no number of zero or more.`,
      );
    }
    results.push(pointOf(row, targets, unread, index));
  }
  return { ok: true, value: results };
}

function isBadNumber(cell: string, target: Target | null): boolean {
  if (target === null || target.kind === 'text' || cell.trim() === '') return false;
  const value = Number(cell);
  return !Number.isFinite(value) || value < 0;
}

const ASSUMED: Readonly<Record<MeasuredTime, string>> = {
  ttftMs: 'taken as the time from sending to the first token',
  tpotMs: 'taken as (end to end − TTFT) / (output tokens − 1) of each request',
  itlMs: 'taken as the gaps between tokens, of all requests together',
  e2eMs: 'taken as the time from sending to the last token',
};

function definitionsOf(times: Readonly<Record<MeasuredTime, MeasuredDistribution>>): FigureDefinition[] {
  return MEASURED_TIMES.filter((time) => !isEmpty(times[time])).map((time) =>
    became(
      `the columns of ${FIGURE_LABELS[time]}`,
      ASSUMED[time],
      time,
      'a CSV says nothing about definitions',
    ),
  );
}

function pointOf(
  row: readonly string[],
  targets: readonly (Target | null)[],
  unread: readonly string[],
  index: number,
): MeasuredResult {
  const scalars = new Map<Scalar, number>();
  const texts = new Map<string, string>();
  const times: Record<MeasuredTime, MeasuredDistribution> = {
    ttftMs: NO_DISTRIBUTION,
    tpotMs: NO_DISTRIBUTION,
    itlMs: NO_DISTRIBUTION,
    e2eMs: NO_DISTRIBUTION,
  };
  for (const [i, target] of targets.entries()) {
    const cell = row[i]?.trim() ?? '';
    if (target === null || cell === '') continue;
    if (target.kind === 'text') texts.set(target.name, cell);
    else if (target.kind === 'scalar') scalars.set(target.name, Number(cell) * target.scale);
    else times[target.name] = { ...times[target.name], [target.statistic]: Number(cell) * target.scale };
  }
  const scalar = (name: Scalar): number | null => scalars.get(name) ?? null;
  const [rate, concurrency] = [scalar('rate'), scalar('concurrency')];
  return {
    tool: 'csv',
    toolVersion: null,
    model: texts.get('model')?.slice(0, 300) ?? null,
    date: null,
    label: (texts.get('label') ?? loadLabel(rate, concurrency, index)).slice(0, 120),
    load: {
      requestsPerSecond: rate,
      concurrency,
      promptTokens: scalar('promptTokens'),
      outputTokens: scalar('outputTokens'),
    },
    requests: { finished: scalar('finished'), failed: scalar('failed') },
    durationSeconds: scalar('durationSeconds'),
    ...times,
    requestsPerSecond: scalar('requestsPerSecond'),
    outputTokensPerSecond: scalar('outputTokensPerSecond'),
    memory: {
      ...NO_MEMORY,
      kvTokens: scalar('kvTokens'),
      weightsBytes: scalar('weightsBytes'),
      peakBytes: scalar('peakBytes'),
    },
    definitions: definitionsOf(times),
    translated: [
      'A CSV says nothing about definitions: TPOT is taken as (end to end − TTFT) / (output tokens − 1), times without a unit as milliseconds.',
      ...(unread.length > 0 ? [`Columns that are not read: ${unread.join(', ')}.`.slice(0, 400)] : []),
    ],
  };
}
