/**
 * The run of a tuning: scenario + every measurement + what follows from them. A kind of the one run document.
 *
 * Raw measurements are columns, in the order in which they were taken: scores, intervals and the Pareto front are computed
 * from them (core/metrics/tune), and a tuning that was stopped goes on from them without repeating one. What was
 * impossible is on record with its reason and never tried again.
 */
import * as v from 'valibot';
import { TuneScenario, TuneSettings } from '../scenario/tune/schema.ts';
import { Environment } from './environment.ts';
import { RUN_VERSION } from './version.ts';

const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const number = v.pipe(v.number(), v.finite());
const count = v.pipe(v.number(), v.finite(), v.minValue(0));
const MAX_CANDIDATES = 4000;
const column = v.pipe(v.array(count), v.maxLength(400_000));

export const TuneRunCell = v.strictObject({ model: text(200), context: count, output: count });
export type TuneRunCell = v.InferOutput<typeof TuneRunCell>;

/** What one measurement says. */
export const TuneMetrics = v.strictObject({
  ttftMs: count,
  tpotMs: count,
  outputTokensPerSecond: count,
  /** Of weights, KV and work of the candidate at its highest. */
  memoryBytes: count,
});
export type TuneMetrics = v.InferOutput<typeof TuneMetrics>;

/** One entry a measurement, in the order of time. */
export const TuneSamples = v.strictObject({
  candidate: column,
  cell: column,
  repetition: column,
  /** Which block of measurements taken together it belongs to: compared with the baseline of the same one. */
  block: column,
  ttftMs: column,
  tpotMs: column,
  outputTokensPerSecond: column,
  memoryBytes: column,
});
export type TuneSamples = v.InferOutput<typeof TuneSamples>;

const Interval = v.strictObject({ value: number, low: number, high: number });

/**
 * won: the first of the ranking. finalist: measured in every cell. stopped: left early, behind the others. infeasible: can
 * not run. waiting: not measured, because the budget or the person ended the tuning.
 */
export const TUNE_STATUSES = ['won', 'finalist', 'stopped', 'infeasible', 'waiting'] as const;

export const TuneRow = v.strictObject({
  settings: TuneSettings,
  label: text(400),
  isBaseline: v.boolean(),
  status: v.picklist(TUNE_STATUSES),
  /** Why it is infeasible, or where it was left. */
  reason: v.nullable(text(400)),
  measurements: count,
  cells: count,
  /** 100 is the baseline; 95 % interval. Null without a measurement. */
  score: v.nullable(Interval),
  /** Means over the cells that it was measured in. */
  metrics: v.nullable(TuneMetrics),
  /** Geometric mean of what is better than the baseline, each more than 1 where it is; memory is counted as the less the better. */
  gains: v.nullable(v.strictObject({ ttft: count, throughput: count, memory: count })),
  /** Time to load and to compile, before the first measurement; null where there is nothing to start. */
  startupMs: v.nullable(count),
  /** Not beaten by another in TTFT, throughput and memory together. */
  pareto: v.boolean(),
});
export type TuneRow = v.InferOutput<typeof TuneRow>;

/** Measurements of a full grid, those taken, and why the others were not. */
export const TuneCounts = v.strictObject({
  full: count,
  taken: count,
  /** Beyond a full grid, to tell the first from the second; among those taken. */
  extra: count,
  /** Of the baseline beside the others, against drift; not among those taken. */
  anchors: count,
  skipped: v.strictObject({ infeasible: count, halved: count, separated: count, unfinished: count }),
});
export type TuneCounts = v.InferOutput<typeof TuneCounts>;

export const TuneRun = v.strictObject({
  version: v.literal(RUN_VERSION),
  kind: v.literal('tune'),
  id: text(60),
  title: text(120),
  createdAt: text(40),
  origin: v.picklist(['measured', 'simulated']),
  command: v.nullable(text(1000)),
  appVersion: text(40),
  scenario: TuneScenario,
  /** Who measured, and what the times rest on: a sentence. */
  about: text(1000),
  /** Null for simulated runs. */
  environment: v.nullable(Environment),
  cells: v.pipe(v.array(TuneRunCell), v.maxLength(600)),
  dropped: v.pipe(v.array(v.strictObject({ ...TuneRunCell.entries, reason: text(400) })), v.maxLength(600)),
  /** Candidates in the order of the space, the baseline first. */
  rows: v.pipe(v.array(TuneRow), v.maxLength(MAX_CANDIDATES)),
  /** Indices of rows, the best first. */
  ranking: v.pipe(v.array(count), v.maxLength(MAX_CANDIDATES)),
  samples: TuneSamples,
  /** That the first of the ranking is the best of all; null without a second. */
  confidence: v.nullable(v.pipe(number, v.minValue(0), v.maxValue(1))),
  counts: TuneCounts,
  notes: v.pipe(v.array(text(600)), v.maxLength(50)),
  complete: v.boolean(),
});
export type TuneRun = v.InferOutput<typeof TuneRun>;
