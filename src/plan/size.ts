/**
 * A candidate under the load: how many replicas, how many requests in flight, which times, what it costs. In numbers
 * alone, for a search over thousands of them; what a person is shown of the one that wins is made in deployment.ts.
 */
import type { PlanQuality } from '../core/run/plan.ts';
import type { LoadContext } from './context.ts';
import { costOf, priceOf, type Price } from './cost.ts';
import { energyOf } from './energy.ts';
import { gridOf } from './grid.ts';
import { qualityOf } from './quality.ts';
import type { Served, Server } from './queue.ts';
import { split } from './replicas.ts';
import { serverOf } from './server.ts';
import type { Candidate, PlanSubject } from './types.ts';

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

/** Mean over the day of the rate's share of its peak. */
export function meanHour({ hours }: { readonly hours: readonly number[] | null }): number {
  return hours === null ? 1 : hours.reduce((sum, share) => sum + share, 0) / hours.length;
}

/** GPUs of a deployment at the most: the schema's bound of a count. */
const MOST_GPUS = 100_000;

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
  if (gpus > MOST_GPUS) {
    return { ok: false, reason: `the load takes ${gpus} GPUs, more than the ${MOST_GPUS} that anybody has` };
  }
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
