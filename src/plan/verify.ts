/**
 * A sized deployment checked in the simulator: TTFT, tails, goodput and the hit ratio of the prefix cache are read off it,
 * and replicas are added where its tails break a limit that the closed forms had kept.
 *
 * Boundary: a closed loop starts with everybody at once, which no steady service does; there only the prefix cache is
 * simulated. TPOT's mean stays the closed form's, which is the one that is checked against measurements.
 */
import type { PlanPrefix } from '../core/run/plan.ts';
import type { SimDistribution } from '../core/run/simulation.ts';
import type { Trace } from '../core/workload/traces/trace.ts';
import { limitBroken, sizeOf, type LoadContext, type Sized } from './size.ts';
import { simulatePlan, simulatePrefix, type SimulatedPlan } from './simulate.ts';
import type { PlanSubject } from './types.ts';

export interface Verified {
  readonly sized: Sized;
  readonly prefix: PlanPrefix | null;
  /** What the simulation said, in sentences. */
  readonly notes: readonly string[];
}

/** Replicas are added so often at the most. */
const MOST_ADDED = 4;

/** The value that a share `percentile` does not exceed. */
function at(distribution: SimDistribution, percentile: number): number {
  if (percentile > 0.99) return distribution.p999;
  const { quantiles } = distribution;
  return quantiles[Math.round(percentile * (quantiles.length - 1))] ?? distribution.max;
}

function withTails(sized: Sized, { summary }: SimulatedPlan, percentile: number): Sized {
  const { served } = sized;
  const { ttftMs, tpotMs } = summary;
  if (ttftMs === null) return sized;
  const rest = served.e2eMs - served.ttftMs;
  return {
    ...sized,
    served: {
      ...served,
      ttftMs: ttftMs.mean,
      e2eMs: ttftMs.mean + rest,
      ttftTailMs: at(ttftMs, percentile),
      tpotTailMs: tpotMs === null ? served.tpotTailMs : Math.max(served.tpotMs, at(tpotMs, percentile)),
    },
  };
}

/** The context with the hit ratio that the simulator found, as a share of the prefix. */
function withHits(context: LoadContext, prefix: PlanPrefix | null): LoadContext {
  if (prefix === null || context.prefix === null) return context;
  const whole = context.lengths.meanPrompt / context.prefix.tokens;
  return { ...context, prefix: { ...context.prefix, hitRatio: Math.min(1, prefix.hitRatio * whole) } };
}

function noteOf({ summary, requests }: SimulatedPlan, replicas: number): string {
  const { goodput, attainment, preemptions, ttftMs } = summary;
  const kept =
    goodput === null || attainment === null
      ? ''
      : ` ${(attainment * 100).toFixed(1)} % of them kept every limit: a goodput of ${(goodput * replicas).toFixed(2)} requests a second.`;
  const lost = preemptions === 0 ? '' : ` ${preemptions} times a request lost its place and began again.`;
  return `TTFT and tails are simulated: ${requests} requests on one of ${replicas} replicas, TTFT p50 ${ttftMs?.p50.toFixed(0) ?? '–'} ms, p99 ${ttftMs?.p99.toFixed(0) ?? '–'} ms.${kept}${lost}`;
}

/** Requests that tell the hits of a shared prefix, where nothing else is simulated. */
const PREFIX_REQUESTS = 160;

/** A choice as the closed forms have it, and what a prefix cache does for it. */
export function unverified(sized: Sized, subject: PlanSubject): Verified {
  const { prefixCaching } = sized.candidate.choice;
  const prefix = prefixCaching ? simulatePrefix(sized, subject, { requests: PREFIX_REQUESTS }) : null;
  return { sized, prefix, notes: [] };
}

/**
 * @param traced a trace whose requests are run instead of drawn ones
 * @throws Error in one sentence where the simulator can't run it
 */
export function verify(
  first: Sized,
  subject: PlanSubject,
  context: LoadContext,
  traced: Trace | null = null,
): Verified {
  const { scenario } = subject;
  const options = { trace: traced };
  const prefix = first.candidate.choice.prefixCaching ? simulatePrefix(first, subject, options) : null;
  const known = withHits(context, prefix);
  let sized = resized(first, subject, known, first.replicas) ?? first;
  if (scenario.load.rate === null && traced === null) return { sized, prefix, notes: [] };
  const fixed = scenario.hardware.count !== null;
  for (let tries = 0; ; tries++) {
    const simulated = simulatePlan(sized, subject, options);
    const checked = withTails(sized, simulated, context.percentile);
    const broken = limitBroken(scenario.constraints, checked.served, sized.server.load.outputTokens);
    const more = sized.replicas + Math.max(1, Math.floor(sized.replicas / 8));
    const next =
      broken === null || fixed || tries >= MOST_ADDED ? null : resized(sized, subject, known, more);
    if (next === null) return { sized: checked, prefix, notes: [noteOf(simulated, sized.replicas)] };
    sized = next;
  }
}

function resized(sized: Sized, subject: PlanSubject, context: LoadContext, replicas: number): Sized | null {
  const { gpu, choice } = sized.candidate;
  const gpus = choice.tensorParallel * choice.pipelineParallel;
  const result = sizeOf({ gpu, choice: { ...choice, gpus, replicas: 1 } }, subject, context, replicas);
  return result.ok ? result.sized : null;
}
