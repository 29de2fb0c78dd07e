/** The quantities of a plan that a benchmark can measure, each read from both sides. */
import type { MeasuredResult } from '../../core/run/measured.ts';
import type { Deployment } from '../../core/run/plan.ts';
import { VALIDATED, type Validated, type ValidatedTerm } from '../../core/run/validation.ts';

interface Term {
  readonly measured: (result: MeasuredResult) => number | null;
  readonly predicted: (deployment: Deployment) => number | null;
  /** The plan's 80 % band. */
  readonly band: (deployment: Deployment) => readonly [number, number] | null;
  /** Whether a plan that predicts more promises more. */
  readonly better: 'more' | 'less';
  readonly label: string;
  /** `bytes`, `ms`, or a unit as it is printed. */
  readonly unit: string;
}

const none = (): null => null;

/** Bytes in use on a GPU with its KV pool taken: all but what is left free. */
function peakOf({ memory }: Deployment): number | null {
  const [total, ...rest] = memory.steps;
  if (total === undefined) return null;
  const free = rest.find(({ id }) => id === 'free');
  return free === undefined ? null : total.bytes + free.bytes;
}

export const TERMS: Readonly<Record<Validated, Term>> = {
  ttftMs: {
    measured: ({ ttftMs }) => ttftMs.mean,
    predicted: ({ speed }) => speed?.ttftMs ?? null,
    band: ({ speed }) => speed?.interval.ttftMs ?? null,
    better: 'less',
    label: 'TTFT, mean',
    unit: 'ms',
  },
  tpotMs: {
    measured: ({ tpotMs }) => tpotMs.mean,
    predicted: ({ speed }) => speed?.tpotMs ?? null,
    band: ({ speed }) => speed?.interval.tpotMs ?? null,
    better: 'less',
    label: 'TPOT, mean',
    unit: 'ms',
  },
  e2eMs: {
    measured: ({ e2eMs }) => e2eMs.mean,
    predicted: ({ speed }) => speed?.e2eMs ?? null,
    band: none,
    better: 'less',
    label: 'end to end, mean',
    unit: 'ms',
  },
  outputTokensPerSecond: {
    measured: ({ outputTokensPerSecond }) => outputTokensPerSecond,
    predicted: ({ speed }) => speed?.outputTokensPerSecond ?? null,
    band: ({ speed }) => speed?.interval.outputTokensPerSecond ?? null,
    better: 'more',
    label: 'output tokens',
    unit: 'tokens/s',
  },
  requestsPerSecond: {
    measured: ({ requestsPerSecond }) => requestsPerSecond,
    predicted: ({ speed }) => speed?.requestsPerSecond ?? null,
    band: none,
    better: 'more',
    label: 'requests',
    unit: 'requests/s',
  },
  kvTokens: {
    measured: ({ memory }) => memory.kvTokens,
    predicted: ({ memory }) => memory.kvTokens,
    band: none,
    better: 'more',
    label: 'KV tokens of a replica',
    unit: 'tokens',
  },
  weightsBytes: {
    measured: ({ memory }) => memory.weightsBytes,
    predicted: ({ memory }) => memory.weightsBytes,
    band: none,
    better: 'less',
    label: 'weights on a GPU',
    unit: 'bytes',
  },
  peakBytes: {
    measured: ({ memory }) => memory.peakBytes,
    predicted: peakOf,
    band: none,
    better: 'less',
    label: 'memory in use on a GPU',
    unit: 'bytes',
  },
};

/** What both sides have a number of, in the order of VALIDATED. */
export function termsOf(
  deployment: Deployment,
  result: MeasuredResult,
  tolerancePercent: number,
): ValidatedTerm[] {
  return VALIDATED.flatMap((metric): ValidatedTerm[] => {
    const term = TERMS[metric];
    const [measured, predicted] = [term.measured(result), term.predicted(deployment)];
    if (measured === null || predicted === null || measured <= 0) return [];
    const errorPercent = (100 * (predicted - measured)) / measured;
    const band = term.band(deployment);
    return [
      {
        metric,
        predicted,
        measured,
        errorPercent,
        within: Math.abs(errorPercent) <= tolerancePercent,
        inBand: band && measured >= band[0] && measured <= band[1],
      },
    ];
  });
}

/** By how much a term promises too much, in percent: a time that is predicted too short, a rate that is too high. */
export function promisePercent({ metric, errorPercent }: ValidatedTerm): number {
  return TERMS[metric].better === 'more' ? errorPercent : -errorPercent;
}
