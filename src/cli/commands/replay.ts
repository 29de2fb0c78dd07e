/**
 * `kvlab replay`: a recorded vLLM run through the simulator, predicted beside measured. Needs no GPU, and a
 * browser only to draw its figures as PNG beside the SVG.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { formatNumber, replayFigures } from '../../charts/index.ts';
import { TraceError } from '../../index.ts';
import {
  ProfileError,
  RecordedError,
  recordedTensorParallel,
  REPLAY_METRICS,
  REPLAY_SERIES,
  replayRecorded,
  type LatencySummary,
  type RecordedTexts,
  type ReplayMetric,
  type ReplayReport,
} from '../../sim/index.ts';
import { InputError } from '../errors.ts';
import { writePictures } from '../figures.ts';
import { readProfile } from '../inputs.ts';
import { table } from '../tables.ts';
import type { GpuCommandContext, Outcome } from './command.ts';

export async function replay(context: GpuCommandContext): Promise<Outcome> {
  const { invocation, terminal, write, command, openHost } = context;
  const { scenario: folder, workload, profile } = invocation;
  if (folder === null || workload === null) {
    throw new InputError(
      'replay needs a recorded folder and --workload FILE, the requests that were replayed.',
    );
  }
  const report = replayed(folder, workload, profile);
  if (write) {
    write('replay.json', `${JSON.stringify(report)}\n`);
    await writePictures(replayFigures(report, { command }), openHost, write, terminal);
  }
  terminal.answer(invocation.json ? `${JSON.stringify(answerOf(report))}\n` : textOf(report));
  for (const note of report.notes) terminal.say(note);
  return 'done';
}

/** @throws InputError: what the files lack, as one sentence */
function replayed(folder: string, workload: string, profile: string | null): ReplayReport {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    throw new InputError(`${folder} is no folder; replay takes one with meta.json and requests.jsonl.`);
  }
  const meta = textOfFile(join(folder, 'meta.json'));
  try {
    const texts: RecordedTexts = {
      workload: textOfFile(workload),
      meta,
      requests: textOfFile(join(folder, 'requests.jsonl')),
      timeseries: textIfThere(join(folder, 'timeseries.csv')),
      config: textIfThere(join(folder, 'config.json')),
      profile: profile === null ? undefined : readProfile(profile, recordedTensorParallel(meta)),
    };
    return replayRecorded(texts);
  } catch (error) {
    if (error instanceof TraceError) throw new InputError(`${workload}: ${error.message}`);
    if (error instanceof ProfileError) throw new InputError(`${profile ?? ''}: ${error.message}`);
    if (error instanceof RecordedError) throw new InputError(`${folder}: ${error.message}`);
    throw error;
  }
}

function textIfThere(path: string): string | undefined {
  return existsSync(path) ? textOfFile(path) : undefined;
}

/** @throws InputError */
function textOfFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code =
      typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown';
    throw new InputError(`${path} can't be read (${code}); replay needs ${basename(path)}.`);
  }
}

/** The report without the samples of each request, which --out writes. */
function answerOf({ samples: _samples, series, ...report }: ReplayReport) {
  const errors = REPLAY_SERIES.flatMap((name) => {
    const found = series[name];
    if (!found) return [];
    const { meanAbsoluteError, errorPercent, measured } = found;
    return [[name, { meanAbsoluteError, errorPercent, ticks: measured.length }] as const];
  });
  return { ...report, series: Object.fromEntries(errors) };
}

const LABELS: Readonly<Record<ReplayMetric, string>> = { ttftMs: 'TTFT', tpotMs: 'TPOT', e2eMs: 'E2E' };
const STATISTICS = ['mean', 'p50', 'p90', 'p95', 'p99'] as const satisfies readonly (keyof LatencySummary)[];

function textOf(report: ReplayReport): string {
  const { predicted, measured, errorPercent, series, costModel, kvBlocks } = report;
  const percent = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)} %`;
  const rows = REPLAY_METRICS.flatMap((metric) =>
    STATISTICS.map((statistic) => [
      `${LABELS[metric]} ${statistic}`,
      `${formatNumber(predicted[metric][statistic])} ms`,
      `${formatNumber(measured[metric][statistic])} ms`,
      percent(errorPercent[metric][statistic]),
    ]),
  );
  const lines = REPLAY_SERIES.flatMap((name) => {
    const found = series[name];
    return found ? [`${name}: ${found.errorPercent.toFixed(1)} % off on average`] : [];
  });
  return [
    `${report.model} on ${report.gpu}, vLLM ${report.vllmVersion}, ${report.requests} requests, `,
    `${formatNumber(kvBlocks.value)} KV blocks (${kvBlocks.origin}); ${costModel.name}\n\n`,
    table([['', 'predicted', 'measured', 'error'], ...rows]),
    ...lines.map((line) => `${line}\n`),
  ].join('');
}
