/**
 * A sized deployment checked in the simulator: TTFT, tails, goodput and the hit ratio of the prefix cache are read off it,
 * and replicas are added where its tails break a limit that the closed forms had kept, or where its queue grows.
 *
 * Boundary: a closed loop starts with everybody at once, which no steady service does; there only the prefix cache is
 * simulated. TPOT's mean stays the closed form's, which is the one that is checked against measurements.
 */
import type { PlanPrefix } from '../core/run/plan.ts';
import type { SimDistribution } from '../core/run/simulation.ts';
import { capacityOf } from './memory/index.ts';
import { adviseOffload } from './offload.ts';
import type { LoadContext } from './context.ts';
import { limitBroken, patientMs } from './limits.ts';
import { sizeOf, type Sized } from './size.ts';
import {
  SIMULATED_REQUESTS,
  simulatePlan,
  simulatePrefix,
  type SimulatedPlan,
  type SimulationOptions,
} from './simulate.ts';
import type { PlanSubject } from './types.ts';

export interface Verified {
  readonly sized: Sized;
  readonly prefix: PlanPrefix | null;
  /** What the simulation said, in sentences. */
  readonly notes: readonly string[];
}

/** Replicas are added so often at the most. */
const MOST_ADDED = 6;

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
  return {
    ...context,
    prefix: { ...context.prefix, hitRatio: Math.min(1, prefix.hitRatio * whole), simulated: true },
  };
}

function noteOf({ summary, requests }: SimulatedPlan, { replicas, candidate }: Sized): string {
  const { goodput, attainment, preemptions, ttftMs } = summary;
  const whole = candidate.choice.disaggregated !== null;
  const kept =
    goodput === null || attainment === null
      ? ''
      : ` ${(attainment * 100).toFixed(1)} % of them kept every limit: a goodput of ${(goodput * (whole ? 1 : replicas)).toFixed(2)} requests a second.`;
  const lost = preemptions === 0 ? '' : ` ${preemptions} times a request lost its place and began again.`;
  const where =
    replicas === 1 ? 'the one replica' : whole ? `all ${replicas} replicas` : `one of ${replicas} replicas`;
  return `TTFT and tails are simulated: ${requests} requests on ${where}, TTFT p50 ${ttftMs?.p50.toFixed(0) ?? '–'} ms, p99 ${ttftMs?.p99.toFixed(0) ?? '–'} ms.${kept}${lost}`;
}

/** Requests that tell the hits of a shared prefix, where nothing else is simulated. */
const PREFIX_REQUESTS = 96;
/** Requests of a trace that are run: its first ones. */
const TRACE_REQUESTS = 2000;

function optionsOf(
  { trace, traceSpeed }: LoadContext,
  replicas: number,
  requests: number,
): SimulationOptions {
  return trace === null
    ? { requests }
    : { requests: Math.min(TRACE_REQUESTS, trace.requests.length), trace, speed: traceSpeed / replicas };
}

/** A choice as the closed forms have it, and what a prefix cache does for it. */
export function unverified(sized: Sized, subject: PlanSubject, context: LoadContext): Verified {
  const { prefixCaching } = sized.candidate.choice;
  const options = optionsOf(context, sized.replicas, PREFIX_REQUESTS);
  const prefix = prefixCaching ? simulatePrefix(sized, subject, options) : null;
  if (context.trace === null) return { sized, prefix, notes: [] };
  // What a trace shares is known from here on.
  const known = resized(sized, subject, withHits(context, prefix), sized.replicas);
  return { sized: known ?? sized, prefix, notes: [] };
}

/** @throws Error in one sentence where the simulator can't run it */
export function verify(first: Sized, subject: PlanSubject, context: LoadContext): Verified {
  const { scenario } = subject;
  const options = (sized: Sized): SimulationOptions => optionsOf(context, sized.replicas, SIMULATED_REQUESTS);
  const prefix = first.candidate.choice.prefixCaching ? simulatePrefix(first, subject, options(first)) : null;
  const known = withHits(context, prefix);
  const fixed = scenario.hardware.count !== null;
  // With what a trace shares fewer replicas may do.
  const kept = context.trace === null || fixed ? first.replicas : null;
  let sized = resized(first, subject, known, kept) ?? first;
  const advice = adviseOffload(sized, subject, known, poolBytes(sized, subject), options(sized));
  sized = offloading(sized, subject, known, advice.offloadGB);
  const said = advice.note === null ? [] : [advice.note];
  if (context.rate === null) return { sized, prefix, notes: [...placeless(sized, context), ...said] };
  for (let tries = 0; ; tries++) {
    const simulated = simulatePlan(sized, subject, options(sized));
    const checked = withTails(sized, simulated, context.percentile);
    const broken = limitBroken(scenario.constraints, checked.served, sized.server.load.outputTokens);
    const queue = queueOf(subject, checked);
    const enough = (broken === null && queue === null) || fixed || tries >= MOST_ADDED;
    const more = sized.replicas + Math.max(1, Math.floor(sized.replicas / (broken === null ? 4 : 8)));
    const next = enough || more > mostReplicas(subject, sized) ? null : resized(sized, subject, known, more);
    if (next === null) {
      const notes = [noteOf(simulated, sized), ...(queue === null ? [] : [queue]), ...said];
      return { sized: checked, prefix, notes };
    }
    sized = next;
  }
}

/** That not all requests of a closed loop have a place, and how many GPUs would have one for each. */
function placeless({ server, replicas, gpus }: Sized, { concurrency }: LoadContext): string[] {
  const each = (concurrency ?? 0) / replicas;
  if (concurrency === null || server.most >= each) return [];
  const enough = Math.ceil(concurrency / server.most) * (gpus / replicas);
  return [
    `${server.most * replicas} of the ${concurrency} requests in flight have a place, and the others wait for one; ${enough} GPUs would have one for each.`,
  ];
}

/** Shares of what the closed forms let users wait, by which a simulation of a few hundred requests may be over it. */
const SLACK = 2;

/** That requests wait for a place, in words, where no limit was set and they wait long; null where they do not. */
function queueOf({ scenario }: PlanSubject, { server, served }: Sized): string | null {
  const patient = SLACK * patientMs(server, served);
  if (scenario.constraints.ttftMs !== null || served.ttftMs <= patient) return null;
  const seconds = (value: number): string => `${Number((value / 1000).toPrecision(2))} s`;
  return `Requests stand in a queue: ${seconds(served.ttftMs)} to the first token, of which a prompt takes ${seconds(server.speed.steadyTtftMs(served.batch, server.load))}; more GPUs or a lower rate would end it.`;
}

/** Replicas of the GPUs that there are. */
function mostReplicas({ scenario }: PlanSubject, { gpus, replicas }: Sized): number {
  return ((scenario.constraints.maxGpus ?? Infinity) * replicas) / gpus;
}

/** The same replicas with so much host memory; as they are where that takes the place of what they need. */
function offloading(sized: Sized, subject: PlanSubject, context: LoadContext, offloadGB: number): Sized {
  const { choice, gpu } = sized.candidate;
  if (choice.offloadGB === offloadGB) return sized;
  const changed = { ...sized, candidate: { gpu, choice: { ...choice, offloadGB } } };
  return resized(changed, subject, context, sized.replicas) ?? sized;
}

/** KV bytes of one GPU. */
function poolBytes({ candidate }: Sized, subject: PlanSubject): number {
  const { blocks, blockBytes } = capacityOf(candidate, subject);
  return blocks * blockBytes;
}

function resized(
  sized: Sized,
  subject: PlanSubject,
  context: LoadContext,
  replicas: number | null,
): Sized | null {
  const { gpu, choice } = sized.candidate;
  const gpus = choice.tensorParallel * choice.pipelineParallel;
  const result = sizeOf({ gpu, choice: { ...choice, gpus, replicas: 1 } }, subject, context, replicas);
  return result.ok ? result.sized : null;
}
