/**
 * Fits the law of step-law.ts to measured steps.
 *
 * Steps with prompt tokens go to the weighted least squares of sim/cost/linear-fit.ts. Steps that only decode are
 * grouped by their number of sequences: what a token of context costs is the slope within the groups, and a group's time
 * is its mean without that. Means and not medians, because the times that are to be predicted are sums of steps.
 */
import { mean } from '../../core/metrics/percentiles.ts';
import type { ServeFit } from '../../core/run/serve.ts';
import { fitLinear, type FitStep } from '../../sim/cost/linear-fit.ts';
import { hasPrompt, lawMs, type StepLaw } from './step-law.ts';

/** Groups with fewer steps say too little, and their neighbours speak for them. */
const LEAST_GROUP_STEPS = 5;

export interface FittedLaw {
  readonly law: StepLaw;
  readonly steps: number;
  /** Σ |fitted − measured| / Σ measured, in percent. */
  readonly meanErrorPercent: number;
}

/** Null for too few steps. Steps without time are left out. */
export function fitStepLaw(measured: readonly FitStep[]): FittedLaw | null {
  const steps = measured.filter(({ ms }) => ms > 0);
  const linear = fitLinear(steps.filter(hasPrompt)) ?? fitLinear(steps);
  if (linear === null) return null;
  const { kind: _kind, ...constants } = linear.settings;
  const law = { ...constants, decode: fitDecode(steps.filter((step) => !hasPrompt(step))) };
  const errors = steps.map((step) => Math.abs(lawMs(law, step) - step.ms));
  const meanErrorPercent = (100 * mean(errors)) / mean(steps.map(({ ms }) => ms));
  return { law, steps: steps.length, meanErrorPercent };
}

function bySequences(steps: readonly FitStep[]): Map<number, FitStep[]> {
  const groups = new Map<number, FitStep[]>();
  for (const step of steps) {
    const group = groups.get(step.decodeSequences);
    if (group) group.push(step);
    else groups.set(step.decodeSequences, [step]);
  }
  return groups;
}

function fitDecode(steps: readonly FitStep[]): ServeFit['decode'] {
  const groups = [...bySequences(steps)]
    .filter(([, group]) => group.length >= LEAST_GROUP_STEPS)
    .sort(([a], [b]) => a - b)
    .map(([sequences, group]) => ({
      sequences,
      group,
      ms: mean(group.map(({ ms }) => ms)),
      context: mean(group.map(({ decodeContextTokens }) => decodeContextTokens)),
    }));
  // An error counts by its share of the step's time, as in the linear fit.
  let [product, square] = [0, 0];
  for (const { group, ms, context } of groups) {
    for (const step of group) {
      const apart = step.decodeContextTokens - context;
      product += (apart * (step.ms - ms)) / (ms * ms);
      square += (apart * apart) / (ms * ms);
    }
  }
  const slope = square > 0 ? Math.max(0, product / square) : 0;
  // A slope that leaves a group nothing to take would be no law of it.
  const most = Math.min(...groups.map(({ ms, context }) => (context > 0 ? ms / context : Infinity)));
  const perContextTokenMs = groups.length === 0 ? 0 : Math.min(slope, most);
  return {
    sequences: groups.map(({ sequences }) => sequences),
    ms: groups.map(({ ms, context }) => Math.max(0, ms - perContextTokenMs * context)),
    perContextTokenMs,
  };
}
