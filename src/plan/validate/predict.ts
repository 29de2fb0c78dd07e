/**
 * What a plan's own deployment would do at a load that was measured: the plan again, with every setting pinned to its
 * choice and the measured load in place of its own.
 */
import type { PlanCalibration } from '../../core/run/calibration.ts';
import type { MeasuredResult } from '../../core/run/measured.ts';
import type { PlanRun } from '../../core/run/plan.ts';
import type { PlanLoad, PlanScenario } from '../../core/scenario/plan/schema.ts';
import { loadLengths } from '../lengths.ts';
import { runPlan } from '../plan.ts';

/** Loads this close are one. */
const SAME_LOAD = 0.05;

export interface Prediction {
  /** A plan's run whose deployment is the one to compare with. */
  readonly run: PlanRun;
  readonly at: 'plan' | 'measured';
}

function near(a: number, b: number): boolean {
  return Math.abs(a - b) <= SAME_LOAD * Math.max(a, b);
}

/** Whether what was measured is the plan's own load; what a tool does not report is taken to be. */
export function isPlansLoad({ scenario }: PlanRun, { load }: MeasuredResult): boolean {
  const lengths = loadLengths(scenario.load);
  const { rate, concurrency } = scenario.load;
  const same = (planned: number | null, measured: number | null): boolean =>
    measured === null || (planned !== null && near(planned, measured));
  if (!same(lengths.meanPrompt, load.promptTokens) || !same(lengths.meanOutput, load.outputTokens))
    return false;
  if (load.requestsPerSecond !== null) return same(rate, load.requestsPerSecond);
  return load.concurrency === null || same(concurrency, load.concurrency);
}

/** The deployment as it was chosen, nothing left open and no limit that could refuse it. */
export function pinnedScenario({ scenario, deployment }: PlanRun): PlanScenario {
  if (deployment === null) return scenario;
  const { choice } = deployment;
  const { hardware, engine, constraints } = scenario;
  return {
    ...scenario,
    hardware: {
      ...hardware,
      gpu: hardware.custom === null ? choice.gpu : hardware.gpu,
      count: choice.gpus,
      tensorParallel: choice.tensorParallel,
      pipelineParallel: choice.pipelineParallel,
      expertParallel: choice.expertParallel,
    },
    engine: {
      ...engine,
      name: choice.engine,
      version: choice.engineVersion,
      weights: choice.weights,
      kvFormat: choice.kvFormat,
      blockSize: choice.blockSize,
      memoryUtilization: choice.memoryUtilization,
      tokenBudget: choice.tokenBudget,
      maxSequences: choice.maxSequences,
      maxModelTokens: choice.maxModelTokens,
      prefixCaching: choice.prefixCaching,
      offloadGB: choice.offloadGB,
      speculation: choice.speculation,
      disaggregated: choice.disaggregated !== null,
    },
    constraints: {
      ...constraints,
      ttftMs: null,
      tpotMs: null,
      e2eMs: null,
      costPerHour: null,
      costPerMillionOutputTokens: null,
      gpus: null,
      maxGpus: null,
      qualityLossPercent: null,
    },
  };
}

/** The plan's load with the measured rate, requests in flight and mean lengths. */
function measuredLoad(load: PlanLoad, { load: measured }: MeasuredResult): PlanLoad {
  const lengths = loadLengths(load);
  const fixed = (
    planned: PlanLoad['promptTokens'],
    mean: number,
    seen: number | null,
  ): PlanLoad['promptTokens'] =>
    seen === null || near(mean, seen) ? planned : { kind: 'fixed', tokens: Math.max(1, Math.round(seen)) };
  const rated = measured.requestsPerSecond !== null;
  const known = rated || measured.concurrency !== null;
  return {
    ...load,
    rate: known ? measured.requestsPerSecond : load.rate,
    concurrency:
      known && !rated ? Math.max(1, Math.round(measured.concurrency ?? 1)) : known ? null : load.concurrency,
    promptTokens: fixed(load.promptTokens, lengths.meanPrompt, measured.promptTokens),
    outputTokens: fixed(load.outputTokens, lengths.meanOutput, measured.outputTokens),
    hours: null,
  };
}

/** @param calibration the record that the plan's scenario names */
export function predictAt(
  run: PlanRun,
  result: MeasuredResult,
  calibration?: PlanCalibration | undefined,
): Prediction {
  if (run.deployment?.speed && isPlansLoad(run, result)) return { run, at: 'plan' };
  return { run: predicted(pinnedScenario(run), result, calibration), at: 'measured' };
}

/** A pinned scenario at the load of a result. */
export function predicted(
  pinned: PlanScenario,
  result: MeasuredResult,
  calibration?: PlanCalibration | undefined,
): PlanRun {
  return runPlan({ ...pinned, load: measuredLoad(pinned.load, result) }, { calibration });
}
