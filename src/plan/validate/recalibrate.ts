/**
 * Measured results → a calibration: factors with which the plan's deployment comes to what was measured.
 *
 * Two factors are fitted, decodes to TPOT and prompts to TTFT, by going round: predict every point with the factors so far,
 * multiply each by the median of measured over predicted, until they stay. A median, so that one bad point moves nothing.
 * TTFT under an offered rate is mostly waiting, so points with a number in flight are taken for it where there are any.
 *
 * The calibration counts for this model, GPU and engine alone: nothing was measured on another.
 */
import type { PlanCalibration } from '../../core/run/calibration.ts';
import type { MeasuredResult } from '../../core/run/measured.ts';
import type { PlanRun } from '../../core/run/plan.ts';
import { RUN_VERSION } from '../../core/run/version.ts';
import type { PlanScenario } from '../../core/scenario/plan/schema.ts';
import { PlanError } from '../error.ts';
import { runPlan } from '../plan.ts';
import { subjectOf } from '../subject.ts';
import { pinnedScenario, predicted } from './predict.ts';
import { validatePlan } from './validate.ts';

const ROUNDS = 8;
const SETTLED = 1e-4;
/** More points tell nothing new, and each is a plan. */
const MOST_POINTS = 100;
const LEAST_FACTOR = 0.05;
const MOST_FACTOR = 20;
/** Half-width of a band that too few points cannot measure. */
const FEW_POINTS = 5;
const ASSUMED_BAND = 1.15;
const LEAST_BAND = 1.02;

export interface RecalibrationStamp {
  /** As it is chosen again. */
  readonly name: string;
  /** ISO 8601, UTC; this room knows no clock. */
  readonly createdAt: string;
}

export interface Recalibration {
  readonly calibration: PlanCalibration;
  /** The plan again, with its own settings and the calibration. */
  readonly run: PlanRun;
  /** Mean absolute error over every term, in percent. */
  readonly beforePercent: number;
  readonly afterPercent: number;
}

function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? 1) + (sorted[Math.floor(middle)] ?? 1)) / 2;
}

const bounded = (factor: number): number => Math.min(MOST_FACTOR, Math.max(LEAST_FACTOR, factor));

/** Measured over predicted, at every point that has both. */
function ratiosOf(
  pairs: readonly { readonly result: MeasuredResult; readonly run: PlanRun }[],
  metric: 'ttftMs' | 'tpotMs',
): number[] {
  return pairs.flatMap(({ result, run }) => {
    const measured = result[metric].mean;
    const modelled = run.deployment?.speed?.[metric];
    return measured !== null && measured > 0 && modelled !== undefined && modelled > 0
      ? [measured / modelled]
      : [];
  });
}

function kvRatio(run: PlanRun, results: readonly MeasuredResult[]): number | null {
  const planned = run.deployment?.memory.kvTokens ?? 0;
  const ratios = results.flatMap(({ memory: { kvTokens } }) =>
    kvTokens === null || planned <= 0 ? [] : [kvTokens / planned],
  );
  const found = median(ratios);
  return found === null ? null : bounded(found);
}

/** Factor around a calibrated TPOT within which four of five points lie. */
function bandOf(ratios: readonly number[]): number {
  const off = ratios.map((ratio) => Math.max(ratio, 1 / ratio)).sort((a, b) => a - b);
  const at = off[Math.min(off.length - 1, Math.ceil(0.8 * (off.length + 1)) - 1)] ?? ASSUMED_BAND;
  const band = off.length < FEW_POINTS ? Math.max(at, ASSUMED_BAND) : at;
  return Math.min(MOST_FACTOR, Math.max(LEAST_BAND, band));
}

function sourceOf(results: readonly MeasuredResult[]): string {
  const tools = [...new Set(results.map(({ tool }) => tool))].join(', ');
  const dates = [...new Set(results.flatMap(({ date }) => date ?? []))];
  const when = dates.length === 0 ? '' : `, ${dates.slice(0, 3).join(', ')}${dates.length > 3 ? ' …' : ''}`;
  return `${results.length} results of ${tools}${when}.`.slice(0, 600);
}

/** @throws PlanError where the results say nothing of times or memory */
export function recalibrate(
  run: PlanRun,
  results: readonly MeasuredResult[],
  stamp: RecalibrationStamp,
): Recalibration {
  const { deployment } = run;
  if (!deployment) throw new PlanError('This plan has no deployment to calibrate; plan again.');
  const kvTokens = kvRatio(run, results);
  const timed = results
    .filter(({ ttftMs, tpotMs }) => ttftMs.mean !== null || tpotMs.mean !== null)
    .slice(0, MOST_POINTS);
  if (timed.length === 0 && kvTokens === null) {
    throw new PlanError('The measured results have no TTFT, TPOT or KV tokens to calibrate with.');
  }
  const pinned: PlanScenario = { ...pinnedScenario(run), calibration: stamp.name };
  const { choice } = deployment;
  const first: PlanCalibration = {
    version: RUN_VERSION,
    kind: 'plan-calibration',
    name: stamp.name,
    createdAt: stamp.createdAt,
    source: sourceOf(results),
    points: Math.max(1, results.length),
    gpu: choice.gpu,
    engine: choice.engine,
    model: subjectOf({ ...pinned, calibration: null }).model.id,
    decode: 1,
    prefill: 1,
    requestMs: null,
    kvTokens,
    band: ASSUMED_BAND,
  };
  const calibration = fitted(first, pinned, timed);
  const calibrated = runPlan(pinned, { calibration });
  const before = validatePlan(uncalibrated(run), results);
  const after = validatePlan(calibrated, results, undefined, calibration);
  return {
    calibration,
    run: calibrated,
    beforePercent: before.meanAbsoluteErrorPercent,
    afterPercent: after.meanAbsoluteErrorPercent,
  };
}

/** The plan as it is without any calibration, so that two are never multiplied. */
function uncalibrated(run: PlanRun): PlanRun {
  return run.scenario.calibration === null ? run : runPlan({ ...pinnedScenario(run), calibration: null });
}

function fitted(
  first: PlanCalibration,
  pinned: PlanScenario,
  results: readonly MeasuredResult[],
): PlanCalibration {
  let calibration = first;
  for (let round = 0; round < ROUNDS; round++) {
    const pairs = results.map((result) => ({ result, run: predicted(pinned, result, calibration) }));
    const closed = pairs.filter(({ result }) => result.load.requestsPerSecond === null);
    const tpot = ratiosOf(pairs, 'tpotMs');
    const ttft = ratiosOf(closed.length > 0 ? closed : pairs, 'ttftMs');
    const [decode, prefill] = [median(tpot) ?? 1, median(ttft) ?? 1];
    calibration = {
      ...calibration,
      decode: bounded(calibration.decode * decode),
      prefill: bounded(calibration.prefill * prefill),
      band: bandOf(tpot.map((ratio) => ratio / decode)),
    };
    if (Math.abs(decode - 1) < SETTLED && Math.abs(prefill - 1) < SETTLED) break;
  }
  return calibration;
}
