/**
 * From measured steps to the law of a cost model (step-fit.ts), and from those to a prediction.
 *
 * What a step took is the time that it kept the device from the next one: to its end, from its launch or from the end of
 * the step before it, whichever is later. Fitted are calibration repetitions only; what is predicted has other seeds.
 */
import { mean } from '../../core/metrics/percentiles.ts';
import type { ServeFit, ServeRecord } from '../../core/run/serve.ts';
import type { RequestTable } from '../../core/schedule/requests.ts';
import type { FitStep } from '../../sim/cost/linear-fit.ts';
import { drive } from './drive.ts';
import type { PromptWriter } from './prompts.ts';
import { SimulatedEngine, type SimulatedSettings } from './simulated-engine.ts';
import { fitStepLaw } from './step-fit.ts';
import { createStepLaw } from './step-law.ts';

export interface Calibration {
  /** Number of the point. */
  readonly point: number;
  readonly record: ServeRecord;
}

function fitSteps({ steps }: ServeRecord): FitStep[] {
  return steps.endMs.map((endMs, i) => ({
    tokens: (steps.prefillTokens[i] ?? 0) + (steps.decodeSequences[i] ?? 0),
    prefillPairs: steps.prefillPairs[i] ?? 0,
    decodeContextTokens: steps.decodeContextTokens[i] ?? 0,
    decodeSequences: steps.decodeSequences[i] ?? 0,
    ms: endMs - Math.max(steps.startMs[i] ?? 0, i === 0 ? 0 : (steps.endMs[i - 1] ?? 0)),
  }));
}

/** Whether a step was ever launched before the one before it was over. */
function depthOf(records: readonly ServeRecord[]): 1 | 2 {
  const overlaps = records.some(({ steps }) =>
    steps.startMs.some((startMs, i) => i > 0 && startMs < (steps.endMs[i - 1] ?? 0)),
  );
  return overlaps ? 2 : 1;
}

/** The host's time between two steps of a busy engine. */
function gapMs(records: readonly ServeRecord[]): number {
  const gaps = records.flatMap(({ steps }) =>
    steps.startMs.flatMap((startMs, i) => {
      const busy = i > 0 && (steps.running[i - 1] ?? 0) > 0;
      return busy ? [Math.max(0, startMs - (steps.endMs[i - 1] ?? 0))] : [];
    }),
  );
  return gaps.length === 0 ? 0 : mean(gaps);
}

/** Null where the steps are too few to say anything. */
export function fitOf(calibrations: readonly Calibration[]): ServeFit | null {
  const records = calibrations.map(({ record }) => record);
  const fit = fitStepLaw(records.flatMap(fitSteps));
  if (fit === null) return null;
  const depth = depthOf(records);
  return {
    ...fit.law,
    depth,
    gapMs: depth === 1 ? gapMs(records) : 0,
    steps: fit.steps,
    meanErrorPercent: fit.meanErrorPercent,
    from: calibrations.map(({ point, record }) => ({
      point,
      seed: record.seed,
      steps: record.steps.endMs.length,
    })),
  };
}

const NO_TEXT: PromptWriter = { prompt: () => [], generated: () => undefined };

/** The same requests on the simulated engine. Nothing of what was measured is asked but the fit. */
export function predict(
  requests: RequestTable,
  settings: SimulatedSettings,
  fit: ServeFit,
  seed: number,
): Promise<ServeRecord> {
  const { depth, gapMs: gap } = fit;
  const engine = new SimulatedEngine({ requests, settings, cost: createStepLaw(fit), depth, gapMs: gap });
  return drive(engine, { requests, prompts: NO_TEXT, seed, signal: new AbortController().signal });
}
