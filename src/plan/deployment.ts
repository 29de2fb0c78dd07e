/** Everything that a person is shown of one sized candidate: memory, speed, cost, energy, quality. */
import type { Deployment, PlanCost, PlanEnergy, PlanSpeed } from '../core/run/plan.ts';
import { costOf } from './cost.ts';
import { energyOf } from './energy.ts';
import { gridOf } from './grid.ts';
import { planMemory } from './memory/index.ts';
import type { LoadContext } from './context.ts';
import { meanHour, type Sized } from './size.ts';
import { estimateOf, quantizationTable, type BandFactors } from './speed/index.ts';
import type { PlanSubject } from './types.ts';

function band(value: number, [low, high]: BandFactors): [number, number] {
  return [value * low, value * high];
}

function speedOf(sized: Sized, { model, calibration }: PlanSubject): PlanSpeed {
  const { candidate, server, served, requestsPerSecond, outputTokensPerSecond, maxRequestsPerSecond } = sized;
  const estimate = estimateOf(candidate, { model, calibration }, server.load, Math.max(1, served.batch));
  const { interval, phases, operations, origin, about } = estimate;
  return {
    batch: served.batch,
    ttftMs: served.ttftMs,
    tpotMs: served.tpotMs,
    e2eMs: served.e2eMs,
    ttftTailMs: served.ttftTailMs,
    tpotTailMs: served.tpotTailMs,
    outputTokensPerSecond,
    requestsPerSecond,
    maxRequestsPerSecond,
    interval: {
      ttftMs: band(served.ttftMs, interval.ttft),
      tpotMs: band(served.tpotMs, interval.tpot),
      outputTokensPerSecond: band(outputTokensPerSecond, interval.throughput),
    },
    phases,
    operations: [...operations],
    origin,
    about: about.slice(0, 1000),
  };
}

function costPart({ scenario }: PlanSubject, sized: Sized): PlanCost | null {
  const { promptTokens, outputTokens } = sized.server.load;
  return costOf(scenario, sized.price, {
    gpus: sized.gpus,
    requestsPerSecond: sized.requestsPerSecond * meanHour(scenario.load),
    promptTokens,
    outputTokens,
    utilization: sized.utilization,
  });
}

function energyPart({ scenario }: PlanSubject, sized: Sized): PlanEnergy | null {
  const { served, candidate, gpus, outputTokensPerSecond } = sized;
  const inFlight = (served.requestsPerSecond * served.e2eMs) / 1000;
  return energyOf(
    candidate.gpu,
    {
      gpus,
      batch: Math.min(served.batch, inFlight),
      group: gpus / sized.replicas,
      outputTokensPerSecond,
      pue: scenario.prices.pue,
    },
    gridOf(scenario.prices.grid),
  );
}

export function deploymentOf(sized: Sized, subject: PlanSubject, context: LoadContext): Deployment {
  const { candidate } = sized;
  return {
    choice: candidate.choice,
    memory: planMemory(candidate, subject, context.lengths),
    speed: speedOf(sized, subject),
    prefixCache: null,
    cost: costPart(subject, sized),
    energy: energyPart(subject, sized),
    quality: sized.quality,
    formats: [...quantizationTable(candidate, subject, context.lengths, Math.max(1, sized.served.batch))],
  };
}
