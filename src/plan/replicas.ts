/**
 * How many replicas a load takes, and what users then see: for a rate, for requests in flight, or for as much as the GPUs
 * carry; with prefill and decode together or apart.
 */
import type { PlanChoice } from '../core/run/plan.ts';
import { apartClosed, apartFor, bestDivision, servedApart } from './apart.ts';
import type { LoadContext } from './context.ts';
import { crossing } from './crossing.ts';
import { excess, limitBroken, patientMs, withinLimits } from './limits.ts';
import { closed, open, tails, throughput, type Served, type Server } from './queue.ts';
import type { PlanSubject } from './types.ts';

/** Share of what a replica could carry that it is given at the most: the rest is for bursts. */
export const HEADROOM = 0.85;
/** Replicas are added so often at the most: to four times as many. */
const LAST_TRY = 11;

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

/** Replicas and what one of them does, or why there are none. */
export type Split =
  | { readonly replicas: number; readonly served: Served; readonly apart: PlanChoice['disaggregated'] }
  | { readonly reason: string };

/** Whether a queue is short enough, or all GPUs that there are take part; a limit that was set says so itself. */
function isPatient(
  server: Server,
  { scenario: { constraints } }: PlanSubject,
  served: Served,
  replicas: number,
): boolean {
  const { ttftMs, maxGpus } = constraints;
  const { tensorParallel, pipelineParallel } = server.speed.choice;
  const taken = (replicas + 1) * tensorParallel * pipelineParallel > (maxGpus ?? Infinity);
  return ttftMs !== null || taken || served.ttftMs <= patientMs(server, served);
}

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
  for (let tries = 0; tries <= LAST_TRY; tries++, replicas += Math.max(1, Math.floor(replicas / 8))) {
    const served = at(replicas);
    if (served === null || !withinLimits(subject, served, output)) continue;
    if (isPatient(server, subject, served, replicas) || tries === LAST_TRY)
      return { replicas, served, apart: null };
  }
  const served = at(replicas);
  return {
    reason:
      (served && limitBroken(subject.scenario.constraints, served, output)) ??
      'no number of replicas keeps the limits',
  };
}

export function split(
  server: Server,
  subject: PlanSubject,
  context: LoadContext,
  fixed: number | null,
): Split {
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
