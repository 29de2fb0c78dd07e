/**
 * How far the planner's times are from measured ones, each model predicted with nothing fitted on it.
 *
 * Two constants are fitted on serving results: the least time a layer of a step with a prompt (all engines that launch
 * kernels from PyTorch), and what an all-reduce takes beyond its own kernel (vLLM, SGLang). For a model they are fitted on
 * the rows of the others, by the least mean absolute error of the time per output token; everything else comes from
 * timings of kernels. The same holds for the band: factors that four of five rows of the other models lie between.
 */
import { engineTimes, type EngineTimes } from '../../src/plan/calibration/engines.ts';
import { predictRow, recordName, type MeasuredRow, type PredictedRow } from './rows.ts';

/** Constants that serving results can tell. */
export interface FittedTimes {
  readonly promptLayerMs: number;
  readonly reduceUs: number;
}

/** Where to look for them. */
const PROMPT_LAYER_MS = [0, 0.4, 0.5, 0.6, 0.65, 0.7, 0.8];
const REDUCE_US = [0, 2, 3, 4, 5, 6, 8];

export function withFitted(engine: EngineTimes['engine'], fitted: FittedTimes): EngineTimes {
  const times = engineTimes(engine);
  const reduceUs = engine === 'vllm' || engine === 'sglang' ? fitted.reduceUs : times.reduceUs;
  return { ...times, promptLayerMs: fitted.promptLayerMs, reduceUs };
}

export interface Compared extends PredictedRow {
  /** Measured over predicted: time per output token, or throughput where the row has only that. */
  readonly tpotRatio: number | null;
  readonly throughputRatio: number | null;
  readonly ttftRatio: number | null;
  /** Output tokens a second of the clients' closed loop, from both times of a row. */
  readonly loopRatio: number | null;
}

export function compareRow(row: MeasuredRow, fitted?: FittedTimes): Compared | null {
  const predicted = predictRow(row, (engine) => (fitted ? withFitted(engine, fitted) : engineTimes(engine)));
  if (predicted === null) return null;
  const { tpot_ms, ttft_ms, output_tok_s_total } = row;
  return {
    ...predicted,
    tpotRatio: tpot_ms === undefined ? null : tpot_ms / predicted.tpotMs,
    throughputRatio:
      output_tok_s_total === undefined ? null : output_tok_s_total / predicted.outputTokensPerSecond,
    ttftRatio: ttft_ms === undefined ? null : ttft_ms / predicted.ttftMs,
    loopRatio: loopRatio(predicted),
  };
}

/** Little's law: as many requests as there are clients, each for the time of its tokens; those with a place, as predicted. */
function loopRatio({ row, outputTokensPerSecond }: PredictedRow): number | null {
  const { ttft_ms, tpot_ms, osl, concurrency } = row;
  if (ttft_ms === undefined || tpot_ms === undefined || concurrency === 'max-load') return null;
  return (1000 * concurrency * osl) / (ttft_ms + (osl - 1) * tpot_ms) / outputTokensPerSecond;
}

/** |predicted − measured| / measured. */
export function errorOf(ratio: number): number {
  return Math.abs(1 / ratio - 1);
}

export function meanError(ratios: readonly number[]): number {
  return ratios.reduce((sum, ratio) => sum + errorOf(ratio), 0) / Math.max(1, ratios.length);
}

const GRID: readonly FittedTimes[] = PROMPT_LAYER_MS.flatMap((promptLayerMs) =>
  REDUCE_US.map((reduceUs) => ({ promptLayerMs, reduceUs })),
);

/** Mean errors of the time per output token, model by model, for each pair of constants. */
export type ErrorTable = ReadonlyMap<string, readonly number[]>;

export function errorTable(rows: readonly MeasuredRow[]): ErrorTable {
  const models = [...new Set(rows.map(recordName))];
  return new Map(
    models.map((model) => {
      const own = rows.filter((row) => recordName(row) === model && row.tpot_ms !== undefined);
      return [
        model,
        GRID.map((fitted) => meanError(own.flatMap((row) => compareRow(row, fitted)?.tpotRatio ?? []))),
      ];
    }),
  );
}

/** Constants with the least mean error over all models but one, each model weighing the same. */
export function fitTimes(table: ErrorTable, without: string): FittedTimes {
  let best = GRID[0];
  let least = Infinity;
  for (const [at, fitted] of GRID.entries()) {
    let error = 0;
    for (const [model, errors] of table) if (model !== without) error += errors[at] ?? 0;
    if (error < least - 1e-9) [best, least] = [fitted, error];
  }
  if (!best) throw new Error('The grid of constants is empty.');
  return best;
}
