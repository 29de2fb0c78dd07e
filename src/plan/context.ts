/** The load as every candidate of a search sees it: lengths, rate, the prompt at the percentile, what prompts share. */
import { percentileOfSorted } from '../core/metrics/percentiles.ts';
import { createRandom } from '../core/random.ts';
import type { PlanScenario } from '../core/scenario/plan/schema.ts';
import { lengthDraws } from '../core/workload/lengths.ts';
import type { Trace } from '../core/workload/traces/trace.ts';
import type { GivenLoad } from './load.ts';
import type { LoadLengths, PlanSubject } from './types.ts';

/** Tokens that prompts begin with in common. */
export interface SharedPrefix {
  readonly tokens: number;
  /** Different ones of them; 0: not known, as of a trace. */
  readonly prompts: number;
  /** Share of these tokens that is found, where the pool has room for all of them. */
  readonly hitRatio: number;
  /** The hit ratio was simulated on this very pool. */
  readonly simulated: boolean;
}

/** The load as every candidate sees it. */
export interface LoadContext {
  readonly lengths: LoadLengths;
  readonly tailPrompt: number;
  readonly prefix: SharedPrefix | null;
  /** Requests a second at the peak; null: none asked. */
  readonly rate: number | null;
  readonly concurrency: number | null;
  readonly percentile: number;
  /** The requests themselves, where they are a trace's, and by how much it is sped up. */
  readonly trace: Trace | null;
  readonly traceSpeed: number;
}

const DRAWS = 512;

/** Length of the prompt that a share `percentile` of the requests do not exceed. */
function promptAt({ scenario: { load } }: PlanSubject, percentile: number): number {
  if (load.promptTokens.kind === 'fixed') return load.promptTokens.tokens;
  const next = lengthDraws(load.promptTokens, createRandom(1).fork('tail'));
  const draws = Array.from({ length: DRAWS }, next).sort((a, b) => a - b);
  return percentileOfSorted(draws, percentile * 100);
}

export function loadContext(subject: PlanSubject, given: GivenLoad): LoadContext {
  const { load, constraints } = subject.scenario;
  const { lengths, prompts, trace, rate, speed } = given;
  const { percentile } = constraints;
  const tail = trace === null ? promptAt(subject, percentile) : percentileOfSorted(prompts, percentile * 100);
  return {
    lengths,
    tailPrompt: Math.max(lengths.meanPrompt, tail),
    prefix: prefixOf(load.sharedPrefix, given),
    rate,
    concurrency: load.concurrency,
    percentile,
    trace,
    traceSpeed: speed,
  };
}

/** What prompts share, before anything is simulated: all of the prefix, nothing of a trace. */
function prefixOf(
  shared: PlanScenario['load']['sharedPrefix'],
  { trace, lengths }: GivenLoad,
): LoadContext['prefix'] {
  if (trace !== null)
    return { tokens: Math.floor(lengths.meanPrompt), prompts: 0, hitRatio: 0, simulated: false };
  return shared === null ? null : { ...shared, hitRatio: 1, simulated: false };
}
