/**
 * The table of errors and the bands that the planner carries: measured rows against predictions of their model by
 * constants of the others. Written to src/plan/calibration/measured-errors.json by scripts/speed-errors.mjs.
 */
import { GPUS } from '../../src/core/hardware/records.ts';
import { findArchitecture } from '../../src/core/model/architecture.ts';
import type { MeasuredErrors } from '../../src/plan/calibration/measured-errors.ts';
import { Speed } from '../../src/plan/speed/index.ts';
import { referenceText } from '../../tests/reference-data.ts';
import { compareRow, errorOf, errorTable, fitTimes, type Compared, type FittedTimes } from './fit.ts';
import { recordName, type MeasuredRow } from './rows.ts';

export const MEASURED_FILE = 'measured/measured.json';

/** What the band holds. */
const BAND = 0.8;
/**
 * First tokens are compared at so few clients only, and with vLLM: with more, most of their time is the benchmark's own
 * start, when all clients come at once. TensorRT-LLM's rows hold a start of the server too: one and the same prompt takes
 * 562 ms in the row with 1,024 outputs and 176 ms in the row with 8,192.
 */
const TTFT_CLIENTS = 8;

export function measuredRows(): readonly MeasuredRow[] {
  const { rows } = JSON.parse(referenceText(MEASURED_FILE)) as { rows: MeasuredRow[] };
  return rows;
}

/**
 * Not the five rows of gpt-oss with TensorRT-LLM: 192 and 384 clients have one and the same time per token there, so they
 * were not all in one batch. They are compared, but no constant comes from them.
 */
function fitted({ model, engine, tpot_ms }: MeasuredRow): boolean {
  return tpot_ms !== undefined && !(engine === 'trtllm' && model.includes('gpt-oss'));
}

export interface HeldOut {
  readonly model: string;
  /** Fitted on the rows of all other models. */
  readonly times: FittedTimes;
  readonly rows: readonly Compared[];
}

/** Each model by constants of the others. */
export function heldOutModels(rows: readonly MeasuredRow[]): readonly HeldOut[] {
  const table = errorTable(rows.filter(fitted));
  return [...new Set(rows.map(recordName))].map((model) => {
    const times = fitTimes(table, model);
    const own = rows.filter((row) => recordName(row) === model);
    return { model, times, rows: own.flatMap((row) => compareRow(row, times) ?? []) };
  });
}

interface Weighed {
  readonly ratio: number;
  readonly weight: number;
}

/** Ratios of several models, each model weighing the same. */
export function weighed(groups: readonly (readonly number[])[]): Weighed[] {
  return groups.flatMap((ratios) => ratios.map((ratio) => ({ ratio, weight: 1 / ratios.length })));
}

/** The factor f so that `share` of the weight lies between 1/f and f. */
export function bandFactor(points: readonly Weighed[], share = BAND): number {
  const far = points
    .map(({ ratio, weight }) => ({ factor: Math.max(ratio, 1 / ratio), weight }))
    .sort((a, b) => a.factor - b.factor);
  const total = far.reduce((sum, { weight }) => sum + weight, 0);
  let held = 0;
  for (const { factor, weight } of far) {
    held += weight;
    if (held >= share * total - 1e-12) return factor;
  }
  return 1;
}

/**
 * The band for a model that is none of these: wider by √(1 + 1/models), because where a model's points lie as a whole is
 * known from so few.
 */
export function newModelFactor(models: readonly (readonly number[])[]): number {
  const known = models.filter(({ length }) => length > 0);
  return Math.pow(bandFactor(weighed(known)), Math.sqrt(1 + 1 / Math.max(1, known.length)));
}

export function coverage(ratios: readonly number[], factor: number): number {
  return ratios.filter((ratio) => ratio <= factor && ratio >= 1 / factor).length / ratios.length;
}

type Metric = 'tpotRatio' | 'throughputRatio' | 'ttftRatio';

export function ratiosOf(rows: readonly Compared[], metric: Metric): number[] {
  return rows.flatMap((compared) => {
    const clients = compared.row.concurrency;
    const firsts = compared.row.engine === 'vllm' && clients !== 'max-load' && clients <= TTFT_CLIENTS;
    if (metric === 'ttftRatio' && !firsts) return [];
    return compared[metric] ?? [];
  });
}

const round = (value: number, digits = 1): number => Number(value.toFixed(digits));

type Group = MeasuredErrors['groups'][number];

function groupsOf(rows: readonly Compared[], metric: Metric): Group[] {
  const byKey = new Map<string, Compared[]>();
  for (const compared of rows) {
    if (ratiosOf([compared], metric).length === 0) continue;
    const { choice, model, gpu } = compared;
    const key = [model, gpu, choice.engine, choice.weights, choice.kvFormat, choice.tensorParallel].join();
    byKey.set(key, [...(byKey.get(key) ?? []), compared]);
  }
  const keys = [...byKey.keys()].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  return keys.flatMap((key) => {
    const own = byKey.get(key) ?? [];
    const [first] = own;
    if (!first) return [];
    const { choice, model, gpu } = first;
    const ratios = ratiosOf(own, metric);
    return {
      metric: metric === 'tpotRatio' ? 'tpot' : metric === 'ttftRatio' ? 'ttft' : 'throughput',
      model,
      gpu,
      engine: choice.engine,
      weights: choice.weights,
      kvFormat: choice.kvFormat,
      tensorParallel: choice.tensorParallel,
      points: ratios.length,
      meanErrorPercent: round((100 * ratios.reduce((sum, ratio) => sum + errorOf(ratio), 0)) / ratios.length),
      biasPercent: round((100 * ratios.reduce((sum, ratio) => sum + 1 / ratio - 1, 0)) / ratios.length),
    } satisfies Group;
  });
}

function bandOf(models: readonly (readonly Compared[])[]): MeasuredErrors['bands']['dense'] {
  const factorOf = (metric: Metric): number => {
    const loops = metric === 'throughputRatio';
    const ratios = (rows: readonly Compared[]): number[] => [
      ...ratiosOf(rows, metric),
      ...(loops ? rows.flatMap((row) => row.loopRatio ?? []) : []),
    ];
    return round(newModelFactor(models.map(ratios)), 3);
  };
  return {
    tpot: factorOf('tpotRatio'),
    throughput: factorOf('throughputRatio'),
    ttft: factorOf('ttftRatio'),
    points: models.reduce((sum, rows) => sum + rows.length, 0),
  };
}

/** Batches of the comparison of GPUs. */
const GPU_BATCHES = [1, 16, 64];

/**
 * How far a GPU is from the middle of those whose kernels were timed: times with its own shares over times with the shares
 * that stand for a GPU without any, GPU by GPU.
 */
function gpuSpread(): number {
  const model = findArchitecture('Llama-3.1-8B');
  if (!model) throw new Error('No record of Llama-3.1-8B.');
  const choice = {
    engine: 'vllm',
    tensorParallel: 1,
    pipelineParallel: 1,
    expertParallel: false,
    weights: 'bf16',
    kvFormat: 'bf16',
    tokenBudget: 8192,
    speculation: null,
    disaggregated: null,
  } as const;
  const load = { promptTokens: 2048, outputTokens: 512, cachedTokens: 0 };
  const groups = GPUS.filter(({ serving }) => serving.efficiency !== null).map((gpu) => {
    const own = new Speed(choice, gpu, model);
    const middle = new Speed(choice, { ...gpu, serving: { ...gpu.serving, efficiency: null } }, model);
    return GPU_BATCHES.map((batch) => own.steadyTpotMs(batch, load) / middle.steadyTpotMs(batch, load));
  });
  return newModelFactor(groups);
}

/** Two reasons to be off that have nothing to do with each other. */
function together(factor: number, other: number): number {
  return Math.exp(Math.hypot(Math.log(factor), Math.log(other)));
}

export function measuredErrors(date: string, command: string): MeasuredErrors {
  const rows = measuredRows();
  const models = heldOutModels(rows);
  const dense = models.filter(({ rows: own }) => own.every(({ experts }) => !experts));
  const experts = models.filter(({ rows: own }) => own.some((row) => row.experts));
  const all = models.flatMap(({ rows: own }) => own);
  const known = bandOf(dense.map(({ rows: own }) => own));
  const spread = gpuSpread();
  return {
    date,
    command,
    source:
      'InferenceX results as ai-dynamo/aiconfigurator keeps them (Apache-2.0), 2025-10 to 2026-03; NVIDIA/TensorRT-LLM 0.14 ' +
      'performance overview (Apache-2.0), throughput at the largest load',
    leftOut: rows.length - all.length,
    heldOut: models
      .filter(({ rows: own }) => own.some(({ tpotRatio }) => tpotRatio !== null))
      .map(({ model, times, rows: own }) => ({
        model,
        ...times,
        points: ratiosOf(own, 'tpotRatio').length,
        meanErrorPercent: round(
          (100 * ratiosOf(own, 'tpotRatio').reduce((sum, ratio) => sum + errorOf(ratio), 0)) /
            ratiosOf(own, 'tpotRatio').length,
        ),
        heldByBandPercent: round(100 * coverage(ratiosOf(own, 'tpotRatio'), bandWithout(models, model))),
      })),
    groups: (['tpotRatio', 'ttftRatio', 'throughputRatio'] as const).flatMap((metric) =>
      groupsOf(all, metric),
    ),
    bands: {
      dense: known,
      experts: bandOf(experts.map(({ rows: own }) => own)),
      unmeasured: {
        tpot: round(together(known.tpot, spread), 3),
        throughput: round(together(known.throughput, spread), 3),
        ttft: round(together(known.ttft, spread), 3),
        points: known.points,
      },
    },
  };
}

/** The factor for a model by the rows of all others. */
export function bandWithout(models: readonly HeldOut[], model: string): number {
  const others = models.filter((other) => other.model !== model);
  return newModelFactor(others.map(({ rows }) => ratiosOf(rows, 'tpotRatio')));
}
