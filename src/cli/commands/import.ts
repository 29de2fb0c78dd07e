/** `kvlab import`: what another tool wrote, in our definitions; each figure says what it was in the file and what it became. */
import { formatValue } from '../../charts/index.ts';
import {
  definitionSentence,
  TRACE_FORMATS,
  TraceError,
  TraceReader,
  type ImportedRun,
  type MeasuredResult,
  type Run,
  type TraceFormat,
} from '../../index.ts';
import { InputError } from '../errors.ts';
import { kindOfFile, readRunFile } from '../exchange-files.ts';
import { eachLine } from '../read.ts';
import { table } from '../tables.ts';
import type { CommandContext, Outcome } from './command.ts';

export function importCommand({ invocation, terminal, write, command }: CommandContext): Outcome {
  const path = invocation.scenario ?? '';
  const kind = kindOfFile(path);
  if (kind.kind === 'trace') {
    const answer = traceAnswer(path, kind.format);
    terminal.answer(invocation.json ? `${JSON.stringify(answer)}\n` : traceText(answer));
    return 'done';
  }
  const run = readRunFile(path, command);
  write?.('run.json', `${JSON.stringify(run)}\n`);
  terminal.answer(invocation.json ? `${JSON.stringify(run)}\n` : textOf(run));
  return 'done';
}

function textOf(run: Run): string {
  return run.kind === 'imported'
    ? resultsText(run)
    : `${run.title}: a ${run.kind} run of KV Lab, ${run.id}.\n`;
}

interface TraceAnswer {
  readonly kind: 'trace';
  readonly format: string;
  readonly requests: number;
  /** Stretches of time, of a file of rates. */
  readonly windows: number;
  readonly seconds: number;
  readonly meanPromptTokens: number | null;
  readonly meanOutputTokens: number | null;
  /** Tokens of a block id; null: no ids. */
  readonly blockTokens: number | null;
  readonly notes: readonly string[];
}

function traceAnswer(path: string, format: TraceFormat): TraceAnswer {
  const reader = new TraceReader();
  try {
    eachLine(path, 'a trace', (line) => reader.push(line));
    const { requests, blockTokens, rates = [], notes = [] } = reader.finish();
    const mean = (values: readonly number[]): number | null =>
      values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
    return {
      kind: 'trace',
      format: TRACE_FORMATS[format],
      requests: requests.length,
      windows: rates.length,
      seconds: requests.at(-1)?.arrivalSeconds ?? rates.at(-1)?.startSeconds ?? 0,
      meanPromptTokens: mean(requests.map(({ promptTokens }) => promptTokens)),
      meanOutputTokens: mean(requests.map(({ outputTokens }) => outputTokens)),
      blockTokens,
      notes,
    };
  } catch (error) {
    if (error instanceof TraceError) throw new InputError(`${path}: ${error.message}`);
    throw error;
  }
}

function traceText(answer: TraceAnswer): string {
  const { format, requests, windows, seconds, meanPromptTokens, meanOutputTokens, blockTokens } = answer;
  const what =
    requests > 0
      ? `${requests} requests in ${seconds.toFixed(1)} s, ${(meanPromptTokens ?? 0).toFixed(1)} prompt and ${(meanOutputTokens ?? 0).toFixed(1)} output tokens on the average`
      : `${windows} stretches of rates over ${seconds.toFixed(1)} s`;
  const ids = blockTokens === null ? 'no block ids' : `an id for each ${blockTokens} tokens`;
  return [
    `A trace, ${format}: ${what}; ${ids}.\n`,
    ...answer.notes.map((note) => `${note}\n`),
    'Give it to simulate, cache, accesses, plan or load with --trace FILE.\n',
  ].join('');
}

function pointRow(point: MeasuredResult): string[] {
  const ms = (value: number | null): string => (value === null ? '—' : formatValue(value, 'ms'));
  const rate = (value: number | null): string =>
    value === null ? '—' : String(Number(value.toPrecision(5)));
  return [
    point.label,
    ms(point.ttftMs.mean ?? point.ttftMs.p50),
    ms(point.ttftMs.p99),
    ms(point.tpotMs.mean ?? point.tpotMs.p50),
    ms(point.itlMs.mean ?? point.itlMs.p50),
    ms(point.e2eMs.mean ?? point.e2eMs.p50),
    rate(point.requestsPerSecond),
    rate(point.outputTokensPerSecond),
  ];
}

function resultsText({ title, points, tested }: ImportedRun): string {
  const head = ['', 'TTFT', 'TTFT p99', 'TPOT', 'ITL', 'E2E', 'req/s', 'tok/s'];
  const sentences = new Set(
    points.flatMap(({ definitions, translated }) => [...definitions.map(definitionSentence), ...translated]),
  );
  return [
    `${title}\n${tested}\n\n`,
    table([head, ...points.map(pointRow)]),
    '\n',
    ...[...sentences].map((sentence) => `${sentence}\n`),
  ].join('');
}
