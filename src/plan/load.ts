/**
 * The load of a scenario: its own distributions and rate, or those of a trace that is given beside it.
 *
 * Boundary: what a trace says of sharing is found by simulation (simulate.ts); lengths and the mean rate are read here.
 */
import type { PlanScenario } from '../core/scenario/plan/schema.ts';
import type { Trace } from '../core/workload/traces/trace.ts';
import { PlanError } from './error.ts';
import { lengthsOf, loadLengths } from './lengths.ts';
import type { LoadLengths } from './types.ts';

export interface GivenLoad {
  readonly lengths: LoadLengths;
  /** Requests a second; null: none asked. */
  readonly rate: number | null;
  readonly trace: Trace | null;
  /** By how much the trace is sped up to come at the rate; 1 without one. */
  readonly speed: number;
  /** Sorted prompts of the trace; empty without one. */
  readonly prompts: readonly number[];
}

/** Requests of a trace whose lengths are looked at; the first ones. */
const MOST_REQUESTS = 200_000;

/** @throws PlanError where the scenario names a trace that is not given, or one without requests */
export function givenLoad({ load }: PlanScenario, trace: Trace | null): GivenLoad {
  if (load.trace === null) {
    return { lengths: loadLengths(load), rate: load.rate, trace: null, speed: 1, prompts: [] };
  }
  if (trace === null) {
    throw new PlanError(
      `The load is the trace “${load.trace}”; give its file beside the scenario, or set load.trace to null.`,
    );
  }
  const requests = trace.requests.slice(0, MOST_REQUESTS);
  const seconds = requests.at(-1)?.arrivalSeconds ?? 0;
  if (requests.length < 2 || seconds <= 0) {
    throw new PlanError(
      `The trace “${load.trace}” has ${requests.length} requests in ${seconds} s; two at different times are the least that has a rate.`,
    );
  }
  const own = (requests.length - 1) / seconds;
  const rate = load.concurrency === null ? (load.rate ?? own) : null;
  const prompts = requests.map(({ promptTokens }) => promptTokens);
  const outputs = requests.map(({ outputTokens }) => Math.max(1, outputTokens));
  return {
    lengths: lengthsOf(prompts, outputs),
    rate,
    trace,
    speed: rate === null ? 1 : rate / own,
    prompts: [...prompts].sort((a, b) => a - b),
  };
}
