/**
 * `kvlab quality`: what smaller caches cost a real model: recall, perplexity, divergence, bytes, speed; one row a cache.
 *
 * Boundary: which scenario and which model; the laboratory measures, core/metrics/quality computes. Rows have the fields
 * that the README names and no others; what else is known of a cache stands in `caches`, in the same order.
 */
import { figuresFor } from '../../charts/index.ts';
import { WEIGHT_FORMATS } from '../../gpu/index.ts';
import {
  cellsOf,
  QUALITY_METRICS,
  qualityPointsToCsv,
  qualityRows,
  qualitySamplesToCsv,
  qualityTrends,
  runToJson,
  summarizeQuality,
  type QualityEstimate,
  type QualityId,
  type QualityRow,
  type QualityRun,
} from '../../index.ts';
import { InputError } from '../errors.ts';
import { writeFigures } from '../figures.ts';
import { modelFiles } from '../model-files.ts';
import { loadQuality } from '../scenario.ts';
import { shippedModelFolder } from '../shipped-model.ts';
import { table, valueWithUnit } from '../tables.ts';
import type { GpuCommand } from './command.ts';

/** What is measured where no scenario is named. */
const DEFAULT_SCENARIO = 'quality-formats';

export const quality: GpuCommand = async ({ invocation, terminal, openHost, write }) => {
  const { set, seed } = invocation;
  const asked = [...set, ...(seed === null ? [] : [`seed=${seed}`])];
  const scenario = loadQuality(invocation.scenario ?? DEFAULT_SCENARIO, asked);
  const files = modelFiles(invocation.model ?? shippedModelFolder());
  const weights = invocation.weights ?? 'f32';
  const weightFormat = WEIGHT_FORMATS.find((format) => format === weights);
  if (weightFormat === undefined) {
    throw new InputError(`--weights is “${weights.slice(0, 40)}”; there are ${WEIGHT_FORMATS.join(', ')}.`);
  }
  const host = await openHost();
  const load = { weightFormat, budgetBytes: null };
  const run = await host.quality({ ...files, load, scenario }, terminal.progress);
  if (write) {
    write('run.json', runToJson(run));
    write('caches.csv', qualityPointsToCsv(run));
    write('samples.csv', qualitySamplesToCsv(run));
    await writeFigures(figuresFor(run), host, write, terminal);
  }
  terminal.answer(invocation.json ? `${JSON.stringify(answerOf(run))}\n` : textOf(run));
  if (!run.complete) terminal.say('Stopped; the caches that were finished are kept.');
  const measured = run.points.filter(({ status }) => status === 'done').length;
  return run.complete && measured === cellsOf(run.scenario).length ? 'done' : 'failed';
};

/** The document of `--json`. */
export function answerOf(run: QualityRun) {
  const { title, model, environment, notes, complete, origin } = run;
  const rows = qualityRows(run);
  return {
    ...{ title, origin, complete, model, adapter: environment.adapter, notes },
    rows: rows.map(rowOf),
    caches: rows.map(cacheOf),
    trends: qualityTrends(run),
  };
}

/** Bytes are those held for each token of the context, so that a budget counts. */
function rowOf(row: QualityRow) {
  const { recall, perplexity, klDivergence, top1Agreement, tpotMs } = row;
  const { attentionError: _, ...interval } = row.interval;
  return {
    kFormat: row.variant ?? row.kFormat,
    ...{ vFormat: row.vFormat, policy: row.policy, budget: row.budget },
    bytesPerToken: row.heldBytesPerToken,
    ...{ recall, perplexity, klDivergence, top1Agreement, tpotMs, interval },
  };
}

function cacheOf(row: QualityRow) {
  const { status, reason, emulated, attentionError, interval } = row;
  return {
    ...{ status, reason, emulated, attentionError },
    attentionErrorInterval: interval.attentionError,
    bytesPerKeptToken: row.bytesPerToken,
  };
}

const COLUMNS: readonly (readonly [QualityId, string])[] = [
  ['recall', 'recall'],
  ['perplexity', 'perplexity'],
  ['klDivergence', 'KL'],
  ['top1Agreement', 'top-1'],
  ['attentionError', 'attention error'],
  ['tpotMs', 'TPOT'],
];

function textOf(run: QualityRun): string {
  const header = ['cache', 'KV a token', ...COLUMNS.map(([, name]) => name)];
  const rows = summarizeQuality(run).map((row) => {
    const name = `${row.label}${row.emulated ? ' (emulated)' : ''}`;
    if (row.status !== 'done') return [name, row.reason ?? row.status];
    return [
      name,
      `${Math.round(row.heldBytesPerToken)} bytes`,
      ...COLUMNS.map(([id]) => cell(row[id], QUALITY_METRICS[id].unit)),
    ];
  });
  const trends = qualityTrends(run)
    .filter(({ verdict }) => verdict !== 'not measured')
    .map(({ verdict, title }) => `${verdict === 'open' ? 'not decided' : verdict}: ${title}\n`);
  return [
    `${run.title}, ${run.model.name}\n`,
    table([header, ...rows]),
    'Brackets hold 95 % intervals.\n',
    ...trends,
    ...run.notes.map((note) => `${note}\n`),
  ].join('');
}

function cell(estimate: QualityEstimate | null, unit: string): string {
  if (estimate === null) return '—';
  const value = valueWithUnit(estimate.value, unit);
  if (estimate.interval === null) return value;
  const { low, high } = estimate.interval;
  return `${value} [${valueWithUnit(low, unit)} to ${valueWithUnit(high, unit)}]`;
}
