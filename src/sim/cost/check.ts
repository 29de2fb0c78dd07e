/**
 * The visitor's own GPU: the roofline over rates that a hardware check measured there with WGSL kernels.
 *
 * Bandwidth and decode attention are taken as measured, arithmetic at the share of the measured multiply-add rate that
 * tiled WGSL matrix products reach. Steps themselves were not measured, so every answer counts as extrapolated.
 */
import type { ServedKvFormat } from '../../core/kv/layers.ts';
import type { CheckRun } from '../../core/run/schema.ts';
import type { CostModel } from './model.ts';
import type { StepRates } from './rates.ts';
import { ShapedCost, stepShape, type RooflineInput } from './roofline.ts';
import { StepTime } from './step-time.ts';

/**
 * Share of the multiply-add rate that matrix products and attention reach in WGSL without matrix units: tiled kernels of
 * public libraries reach a third to two thirds (assumed: the check measures no matrix product).
 */
export const WGSL_MATMUL_SHARE = 0.5;
/** Where the check has no number of its own for the smallest dispatch. */
const ASSUMED_DISPATCH_SECONDS = 5e-6;

/** The check's decode measurement that stands for a KV format. */
const DECODE_ID: Record<ServedKvFormat, string> = {
  bf16: 'decode.f16',
  fp8: 'decode.fp8-e4m3',
  int8: 'decode.int8',
  int4: 'decode.int4',
  int2: 'decode.int2',
};

/** A check without a number that a step needs. */
export class CheckLacksError extends Error {
  readonly code = 'check-lacks';
  constructor(what: string) {
    super(`The hardware check has no ${what}; run the check again and let it finish.`);
    this.name = 'CheckLacksError';
  }
}

function valueOf(check: CheckRun, id: string): number | null {
  return check.measurements.find((measurement) => measurement.id === id)?.value ?? null;
}

function needed(check: CheckRun, id: string, what: string): number {
  const value = valueOf(check, id);
  if (value === null || value <= 0) throw new CheckLacksError(what);
  return value;
}

/** @throws CheckLacksError without bandwidth or multiply-add rate */
export function ratesOfCheck(check: CheckRun, kvFormat: ServedKvFormat): StepRates {
  const read = needed(check, 'read-bandwidth', 'read bandwidth') * 1e9;
  const fma = valueOf(check, 'fma-f16') ?? needed(check, 'fma-f32', 'multiply-add rate');
  const decode = valueOf(check, DECODE_ID[kvFormat]);
  const dispatch = valueOf(check, 'dispatch-overhead');
  const flops = fma * 1e9 * WGSL_MATMUL_SHARE;
  return {
    linearFlops: flops,
    headFlops: flops,
    expertFlops: flops,
    weightBytes: read,
    attentionFlops: flops,
    kvBytes: decode === null || decode <= 0 ? read : decode * 1e9,
    elementBytes: read,
    kernelSeconds: dispatch === null ? ASSUMED_DISPATCH_SECONDS : Math.max(0, dispatch) * 1e-6,
    computeUnits: 0,
    hostSeconds: Math.max(0, valueOf(check, 'submit-latency') ?? 0) / 1000,
  };
}

/** @param gpu the record whose links join several such devices; one device does not use it */
export function createCheckCost(check: CheckRun, { scenario, model, gpu }: RooflineInput): CostModel {
  const rates = ratesOfCheck(check, scenario.engine.kvFormat);
  const { description, device } = check.environment.adapter;
  const adapter = description || device || 'this GPU';
  const about =
    `Rates that a hardware check measured on ${adapter}: reads at ${Math.round(rates.weightBytes / 1e9)} GB/s, decode ` +
    `attention at ${Math.round(rates.kvBytes / 1e9)} GB/s, multiply-adds at ${WGSL_MATMUL_SHARE * 100} % of their rate.`;
  const time = new StepTime(stepShape(model, gpu, scenario, 'split'), rates);
  return new ShapedCost(`hardware check, ${adapter}, ${model.name}`, about, time, 'extrapolated');
}
