/**
 * A candidate under the load: how many replicas, how many requests in flight, which times, what it costs. In numbers
 * alone, for a search over thousands of them; what a person is shown of the one that wins is made in deployment.ts.
 */
import type { PlanChoice, PlanQuality } from '../core/run/plan.ts';
import type { PlanScenario } from '../core/scenario/plan/schema.ts';
import { percentileOfSorted } from '../core/metrics/percentiles.ts';
import { createRandom } from '../core/random.ts';
import { lengthDraws } from '../core/workload/lengths.ts';
import type { Trace } from '../core/workload/traces/trace.ts';
import { apartClosed, apartFor, bestDivision, servedApart } from './apart.ts';
import { crossing } from './crossing.ts';
import { costOf, priceOf, type Price } from './cost.ts';
import { energyOf } from './energy.ts';
import { gridOf } from './grid.ts';
import { heldOf } from './held.ts';
import { qualityOf } from './quality.ts';
import { closed, open, tails, throughput, type Served, type Server } from './queue.ts';
import { createSpeed, type SteadyLoad } from './speed/index.ts';
import type { GivenLoad } from './load.ts';
import type { Candidate, LoadLengths, PlanSubject } from './types.ts';

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

/** Share of what a replica could carry that it is given at the most: the rest is for bursts. */
export const HEADROOM = 0.85;

export interface Sized {
  readonly candidate: Candidate;
  readonly server: Server;
  readonly served: Served;
  readonly replicas: number;
  readonly gpus: number;
  /** Of the whole deployment at the load. */
  readonly requestsPerSecond: number;
  readonly outputTokensPerSecond: number;
  readonly maxRequestsPerSecond: number;
  readonly utilization: number;
  readonly price: Price | null;
  readonly costPerHour: number | null;
  readonly costPerMillionOutput: number | null;
  readonly joulesPerOutputToken: number | null;
  readonly quality: PlanQuality;
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

/** The mean request of the load, with what of its prompt the pool has. */
export function steadyOf(
  { choice }: Candidate,
  { lengths, prefix }: Pick<LoadContext, 'lengths' | 'prefix'>,
  hitRatio: number,
): SteadyLoad {
  const { meanPrompt, meanOutput } = lengths;
  const whole = prefix === null ? 0 : Math.floor(prefix.tokens / choice.blockSize) * choice.blockSize;
  return {
    promptTokens: meanPrompt,
    outputTokens: meanOutput,
    cachedTokens: Math.min(hitRatio * whole, meanPrompt - 1),
  };
}

/**
 * Requests in flight that a step's token budget feeds: each takes a token a step (and its drafts), and its prompt, spread
 * over as many steps as it has tokens of output. Beyond that more requests wait, and nothing gets faster.
 */
export function sequencesFed(
  { choice }: Candidate,
  { promptTokens, outputTokens, cachedTokens }: SteadyLoad,
): number {
  // Prefill elsewhere leaves the budget to decodes.
  const prompt =
    choice.disaggregated === null ? (promptTokens - cachedTokens) / Math.max(1, outputTokens) : 0;
  return choice.tokenBudget / (1 + (choice.speculation?.draftTokens ?? 0) + prompt);
}

export function serverOf(candidate: Candidate, subject: PlanSubject, context: LoadContext): Server {
  const pool = heldOf(candidate, subject, context);
  const times = {
    speed: createSpeed(candidate, subject.model, { calibration: subject.calibration }),
    load: steadyOf(candidate, context, pool.hitRatio),
  };
  const held = Math.min(pool.sequences, sequencesFed(candidate, times.load));
  const most = Math.max(1, Math.min(candidate.choice.maxSequences, Math.floor(held)));
  return {
    ...times,
    tailPrompt: context.tailPrompt,
    spread: context.lengths.spread,
    most,
    percentile: context.percentile,
    top: throughput(times, most),
  };
}

/** Whether the times are within the limits. */
export function withinLimits({ scenario }: PlanSubject, served: Served, outputTokens: number): boolean {
  return limitBroken(scenario.constraints, served, outputTokens) === null;
}

/** Which limit of times is broken, in words; null: none. */
export function limitBroken(
  { ttftMs, tpotMs, e2eMs, percentile }: PlanSubject['scenario']['constraints'],
  served: Served,
  outputTokens: number,
): string | null {
  const p = `p${Math.round(percentile * 1000) / 10}`;
  if (ttftMs !== null && served.ttftTailMs > ttftMs) {
    return `TTFT ${p} is ${Math.round(served.ttftTailMs)} ms, over the ${ttftMs} asked for`;
  }
  if (tpotMs !== null && served.tpotTailMs > tpotMs) {
    return `TPOT ${p} is ${served.tpotTailMs.toFixed(1)} ms, over the ${tpotMs} asked for`;
  }
  const whole = served.ttftTailMs + Math.max(0, outputTokens - 1) * served.tpotTailMs;
  return e2eMs !== null && whole > e2eMs
    ? `an answer takes ${Math.round(whole)} ms at ${p}, over the ${e2eMs} asked for`
    : null;
}

/** By how much the times are over the limits, as a share of the limit that is furthest off; below 0: they keep them. */
function excess(
  { ttftMs, tpotMs, e2eMs }: PlanSubject['scenario']['constraints'],
  { ttftTailMs, tpotTailMs }: Pick<Served, 'ttftTailMs' | 'tpotTailMs'>,
  outputTokens: number,
): number {
  const whole = ttftTailMs + Math.max(0, outputTokens - 1) * tpotTailMs;
  const over = (value: number, limit: number | null): number => (limit === null ? -1 : value / limit - 1);
  return Math.max(over(ttftTailMs, ttftMs), over(tpotTailMs, tpotMs), over(whole, e2eMs));
}

/** Most requests in flight that keep the limits; null where not even one does. */
function mostWithinLimits(server: Server, { scenario: { constraints } }: PlanSubject): number | null {
  const { ttftMs, tpotMs, e2eMs } = constraints;
  if (ttftMs === null && tpotMs === null && e2eMs === null) return server.most;
  const over = (batch: number): number => excess(constraints, tails(server, batch), server.load.outputTokens);
  const full = over(server.most);
  if (full <= 0) return server.most;
  const alone = over(1);
  if (alone > 0) return null;
  const near = Math.floor(crossing(over, 1, server.most, alone, full, 1e-2));
  for (let batch = near; batch > 1; batch = Math.min(batch - 1, Math.floor(batch * 0.98))) {
    if (over(batch) <= 0) return batch;
  }
  return 1;
}

type Split =
  | { readonly replicas: number; readonly served: Served; readonly apart: PlanChoice['disaggregated'] }
  | { readonly reason: string };

/** Replicas for a rate: the fewest that keep the limits with headroom for bursts. */
function forRate(server: Server, subject: PlanSubject, rate: number, fixed: number | null): Split {
  const output = server.load.outputTokens;
  const at = (replicas: number): Served | null => open(server, rate / replicas);
  if (fixed !== null) {
    const served = at(fixed);
    if (served !== null) return { replicas: fixed, served, apart: null };
    const top = fixed * server.top;
    return {
      reason: `it carries ${top.toPrecision(3)} requests a second at the most, less than the ${rate} asked for`,
    };
  }
  const batch = mostWithinLimits(server, subject);
  if (batch === null) {
    const alone = closed(server, 1);
    return {
      reason: limitBroken(subject.scenario.constraints, alone, output) ?? 'no batch keeps the limits',
    };
  }
  const each = throughput(server, batch) * HEADROOM;
  let replicas = Math.max(1, Math.ceil(rate / each - 1e-9));
  for (let tries = 0; tries < 12; tries++, replicas += Math.max(1, Math.floor(replicas / 8))) {
    const served = at(replicas);
    if (served !== null && withinLimits(subject, served, output)) return { replicas, served, apart: null };
  }
  const served = at(replicas);
  return {
    reason:
      (served && limitBroken(subject.scenario.constraints, served, output)) ??
      'no number of replicas keeps the limits',
  };
}

function split(server: Server, subject: PlanSubject, context: LoadContext, fixed: number | null): Split {
  const { rate, concurrency } = context;
  if (server.speed.choice.disaggregated !== null) return splitApart(server, subject, context, fixed);
  if (rate !== null) return forRate(server, subject, rate, fixed);
  if (concurrency !== null) {
    const replicas = fixed ?? 1;
    return { replicas, served: closed(server, concurrency / replicas), apart: null };
  }
  const batch = mostWithinLimits(server, subject) ?? 1;
  return { replicas: fixed ?? 1, served: closed(server, batch), apart: null };
}

/** The same with prefill and decode on replicas of their own; `served` is then an even part of the whole. */
function splitApart(server: Server, subject: PlanSubject, context: LoadContext, fixed: number | null): Split {
  const { constraints } = subject.scenario;
  const { rate, concurrency } = context;
  const asked = rate === null ? apartClosed(server, concurrency ?? server.most, fixed) : null;
  const wanted = asked?.rate ?? rate ?? 0;
  const first =
    asked?.apart ??
    (fixed === null ? apartFor(server, wanted, constraints.tpotMs) : bestDivision(server, fixed));
  if (first === null) return { reason: 'no decode batch keeps the limit of the time per output token' };
  let apart = first;
  for (let tries = 0; tries < 12; tries++) {
    const served = servedApart(server, apart, wanted);
    const keeps = served !== null && withinLimits(subject, served, server.load.outputTokens);
    if (served !== null && (keeps || fixed !== null || rate === null)) {
      const replicas = apart.prefillReplicas + apart.decodeReplicas;
      const each = {
        requestsPerSecond: served.requestsPerSecond / replicas,
        maxRequestsPerSecond: served.maxRequestsPerSecond / replicas,
      };
      return { replicas, served: { ...served, ...each }, apart };
    }
    if (fixed !== null) break;
    apart = {
      ...apart,
      prefillReplicas: apart.prefillReplicas + Math.max(1, Math.floor(apart.prefillReplicas / 8)),
    };
  }
  return {
    reason: `prefill and decode apart do not carry ${wanted.toPrecision(3)} requests a second within the limits`,
  };
}

/** Mean over the day of the rate's share of its peak. */
export function meanHour({ hours }: { readonly hours: readonly number[] | null }): number {
  return hours === null ? 1 : hours.reduce((sum, share) => sum + share, 0) / hours.length;
}

export type SizedOrNot =
  { readonly ok: true; readonly sized: Sized } | { readonly ok: false; readonly reason: string };

/**
 * @param candidate one replica that fits in memory
 * @param given replicas, where something else found how many it takes; else as the scenario's count says, or the load
 */
export function sizeOf(
  candidate: Candidate,
  subject: PlanSubject,
  context: LoadContext,
  given: number | null = null,
): SizedOrNot {
  const { scenario } = subject;
  const { choice, gpu } = candidate;
  const group = choice.tensorParallel * choice.pipelineParallel;
  const { count } = scenario.hardware;
  const server = serverOf(candidate, subject, context);
  const found = split(server, subject, context, given ?? (count === null ? null : count / group));
  if (!('replicas' in found)) return { ok: false, reason: found.reason };
  const { replicas, served, apart } = found;
  const gpus = replicas * group;
  const peak = served.requestsPerSecond * replicas;
  const mean = peak * meanHour(scenario.load);
  const most = served.maxRequestsPerSecond * replicas;
  const price = priceOf(scenario, gpu);
  const { promptTokens, outputTokens } = server.load;
  const utilization = most > 0 ? mean / most : 0;
  const cost = costOf(scenario, price, {
    gpus,
    requestsPerSecond: mean,
    promptTokens,
    outputTokens,
    utilization,
  });
  const inFlight = (served.requestsPerSecond * served.e2eMs) / 1000;
  const energy = energyOf(
    gpu,
    {
      gpus,
      batch: Math.min(served.batch, inFlight),
      group,
      outputTokensPerSecond: peak * outputTokens,
      pue: scenario.prices.pue,
    },
    gridOf(scenario.prices.grid),
  );
  return {
    ok: true,
    sized: {
      candidate: { gpu, choice: { ...choice, gpus, replicas, disaggregated: apart } },
      server,
      served,
      replicas,
      gpus,
      requestsPerSecond: peak,
      outputTokensPerSecond: peak * outputTokens,
      maxRequestsPerSecond: most,
      utilization,
      price,
      costPerHour: cost?.perHour ?? null,
      costPerMillionOutput: cost?.perMillionOutputTokens ?? null,
      joulesPerOutputToken: energy?.joulesPerOutputToken ?? null,
      quality: qualityOf(subject, choice),
    },
  };
}
