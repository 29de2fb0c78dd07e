/**
 * How far predictions were from measured serving results: measured-errors.json, written by `npm run speed-errors`, never by
 * hand. The page shows it, and the bands of the planner come from it.
 */
import * as v from 'valibot';
import { PLAN_ENGINES } from '../../core/scenario/plan/schema.ts';
import { SIM_KV_FORMATS, SIM_WEIGHT_FORMATS } from '../../core/scenario/simulate/schema.ts';
import table from './measured-errors.json' with { type: 'json' };

const number = v.pipe(v.number(), v.finite());
const text = v.pipe(v.string(), v.minLength(1));
const factor = v.pipe(v.number(), v.minValue(1), v.maxValue(100));

/** Four of five points lie between predicted / factor and predicted · factor. */
const Band = v.strictObject({ tpot: factor, throughput: factor, ttft: factor, points: number });

export const MeasuredErrors = v.strictObject({
  date: text,
  command: text,
  source: text,
  /** Rows without a prediction; bench/speed/rows.ts says which and why. */
  leftOut: number,
  /** Each model by constants that were fitted on all others, time per output token. */
  heldOut: v.array(
    v.strictObject({
      model: text,
      promptLayerMs: number,
      reduceUs: number,
      points: number,
      meanErrorPercent: number,
      /** Share of its points within the band that the other models alone give. */
      heldByBandPercent: number,
    }),
  ),
  /** The same predictions, group by group. */
  groups: v.array(
    v.strictObject({
      metric: v.picklist(['tpot', 'ttft', 'throughput']),
      model: text,
      gpu: text,
      engine: v.picklist(PLAN_ENGINES),
      weights: v.picklist(SIM_WEIGHT_FORMATS),
      kvFormat: v.picklist(SIM_KV_FORMATS),
      tensorParallel: number,
      points: number,
      /** Mean of |predicted − measured| / measured, and of it with its sign. */
      meanErrorPercent: number,
      biasPercent: number,
    }),
  ),
  bands: v.strictObject({
    dense: Band,
    /** Mixtures of experts. */
    experts: Band,
    /** Dense models on GPUs where no kernel was timed: wider by how far timed ones are from their middle. */
    unmeasured: Band,
  }),
});
export type MeasuredErrors = v.InferOutput<typeof MeasuredErrors>;

export const MEASURED_ERRORS: MeasuredErrors = v.parse(MeasuredErrors, table);
