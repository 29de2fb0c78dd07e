/**
 * LLMServingSim's `--output` CSV: one request a row, nanoseconds. A simulator: what it says was not measured.
 *
 * TTFT counts from the arrival, the queue included; ITL is a list in the cell. In some versions `output` counts the prompt
 * in, in others not, so output tokens are those between which there are gaps, and one.
 * casys-kaist/LLMServingSim output/example_cxl_run.csv @ 9e3f0ece7cab.
 */
import type { Read } from '../../core/json.ts';
import { NO_MEMORY, type FigureDefinition, type MeasuredResult } from '../../core/run/measured.ts';
import { fromCsv } from '../csv.ts';
import { became, notRead, refused } from './importer.ts';
import { distributionOfSamples } from './samples.ts';

const HEADER = ['instance id', 'request id', 'model', 'input', 'output', 'arrival', 'end_time', 'latency'];
const NS = 1e-6;
const MOST_ROWS = 1_000_000;

export function looksLikeLlmServingSim(text: string): boolean {
  const first = text.trimStart().split('\n')[0]?.toLowerCase().trim() ?? '';
  return first.startsWith(HEADER.join(','));
}

const DEFINITIONS: readonly FigureDefinition[] = [
  became(
    'TTFT',
    'from a request’s arrival to its first token, in nanoseconds',
    'ttftMs',
    'nanoseconds / 10⁶',
  ),
  became(
    'TPOT',
    '(latency − TTFT) / (output tokens − 1) of each request, in nanoseconds',
    'tpotMs',
    'nanoseconds / 10⁶',
  ),
  became(
    'ITL',
    'the gaps between tokens of each request, a list, in nanoseconds',
    'itlMs',
    'all requests together, nanoseconds / 10⁶',
  ),
  became('latency', 'from a request’s arrival to its end, in nanoseconds', 'e2eMs', 'nanoseconds / 10⁶'),
  became(
    'end_time and arrival',
    'of each request on the simulator’s clock',
    'requestsPerSecond',
    'requests over the time from the first arrival to the last end',
  ),
  notRead(
    'output',
    'output tokens, in some versions with the prompt’s',
    'because the gaps in ITL say how many there were',
  ),
];

interface Row {
  readonly model: string;
  readonly input: number;
  readonly output: number;
  readonly arrival: number;
  readonly end: number;
  readonly latency: number;
  readonly ttft: number;
  readonly tpot: number;
  readonly gaps: readonly number[];
}

function listOf(cell: string): number[] {
  const inner = /^\s*\[(.*)\]\s*$/s.exec(cell)?.[1] ?? '';
  return inner.trim() === '' ? [] : inner.split(',').map(Number);
}

function rowOf(header: readonly string[], cells: readonly string[]): Row | null {
  const cell = (name: string): string => cells[header.indexOf(name)] ?? '';
  const number = (name: string): number => (cell(name).trim() === '' ? NaN : Number(cell(name)));
  const gaps = listOf(cell('itl'));
  const row: Row = {
    model: cell('model'),
    input: number('input'),
    output: NaN,
    arrival: number('arrival'),
    end: number('end_time'),
    latency: number('latency'),
    ttft: number('ttft'),
    tpot: number('tpot'),
    gaps,
  };
  const needed = [row.input, row.arrival, row.end, row.latency, row.ttft, ...gaps];
  if (!needed.every((value) => Number.isFinite(value) && value >= 0)) return null;
  return { ...row, output: tokensOf(row) };
}

/** Tokens between which there are gaps, and one. */
function tokensOf({ gaps, latency, ttft, tpot }: Row): number {
  if (gaps.length > 0) return gaps.length + 1;
  return tpot > 0 ? Math.round((latency - ttft) / tpot) + 1 : 1;
}

export function readLlmServingSim(text: string): Read<MeasuredResult[]> {
  const [first = [], ...cells] = fromCsv(text);
  const header = first.map((name) => name.trim().toLowerCase());
  const filled = cells.filter((row) => row.some((cell) => cell.trim() !== ''));
  if (filled.length === 0) return refused('This output of LLMServingSim has no finished request.');
  if (filled.length > MOST_ROWS) {
    return refused(`This output has ${filled.length} requests; at most ${MOST_ROWS} are read.`);
  }
  const rows: Row[] = [];
  for (const [index, row] of filled.entries()) {
    const read = row.length === first.length ? rowOf(header, row) : null;
    if (read === null) {
      return refused(`Row ${index + 2} of this output of LLMServingSim is not whole; is the file cut off?`);
    }
    rows.push(read);
  }
  return { ok: true, value: [resultOf(rows)] };
}

function resultOf(rows: readonly Row[]): MeasuredResult {
  const sum = (of: (row: Row) => number): number => rows.reduce((all, row) => all + of(row), 0);
  const least = rows.reduce((soonest, { arrival }) => Math.min(soonest, arrival), Infinity);
  const most = rows.reduce((latest, { end }) => Math.max(latest, end), 0);
  const seconds = most > least ? (most - least) / 1e9 : null;
  const single = rows.filter(({ output }) => output > 1);
  return {
    tool: 'llmservingsim',
    toolVersion: null,
    model: rows[0]?.model.slice(0, 300) || null,
    date: null,
    label: `${rows.length} simulated requests`,
    load: {
      requestsPerSecond: null,
      concurrency: seconds === null ? null : sum(({ latency }) => latency) / 1e9 / seconds,
      promptTokens: sum(({ input }) => input) / rows.length,
      outputTokens: sum(({ output }) => output) / rows.length,
    },
    requests: { finished: rows.length, failed: null },
    durationSeconds: seconds,
    ttftMs: distributionOfSamples(
      rows.map(({ ttft }) => ttft),
      NS,
    ),
    tpotMs: distributionOfSamples(
      single.map(({ latency, ttft, output }) => (latency - ttft) / (output - 1)),
      NS,
    ),
    itlMs: distributionOfSamples(
      rows.flatMap(({ gaps }) => gaps),
      NS,
    ),
    e2eMs: distributionOfSamples(
      rows.map(({ latency }) => latency),
      NS,
    ),
    requestsPerSecond: seconds === null ? null : rows.length / seconds,
    outputTokensPerSecond: seconds === null ? null : sum(({ output }) => output) / seconds,
    memory: NO_MEMORY,
    definitions: [...DEFINITIONS],
    translated: [
      'LLMServingSim is a simulator: nothing here was measured.',
      'Requests in flight are throughput × time of a request (Little); the file does not name a load.',
    ],
  };
}
