/**
 * A deployment in the simulator: what queueing, bursts, preemption and a prefix cache of limited size make of the planner's
 * step times. One replica with its part of the load, the same times and the same pool as the plan; tails, goodput and the
 * hit ratio are read off it.
 *
 * Boundary: means of steps are the planner's own (speed/), so a simulated plan differs from a planned one by what happens
 * between steps alone. A replica of several is given an even part of the requests, as by a router without a memory.
 */
import type { PlanChoice, PlanPrefix } from '../core/run/plan.ts';
import type { SimSummary } from '../core/run/simulation.ts';
import { ServingCollector } from '../core/metrics/serving/collector.ts';
import { summarizeServing } from '../core/metrics/serving/summary.ts';
import { sharesPrefixes } from '../core/scenario/simulate/fit.ts';
import { DEFAULT_SIMULATION } from '../core/scenario/simulate/defaults.ts';
import type { SimScenario } from '../core/scenario/simulate/schema.ts';
import { createRandom } from '../core/random.ts';
import { generateRequests } from '../core/workload/generate.ts';
import { lengthDraws } from '../core/workload/lengths.ts';
import type { Trace } from '../core/workload/traces/trace.ts';
import { emptyBasis, type CostModel } from '../sim/cost/model.ts';
import { createEngine } from '../sim/engine.ts';
import { imageTokens } from './lengths.ts';
import { capacityOf } from './memory/index.ts';
import type { Sized } from './size.ts';
import { createSpeed } from './speed/index.ts';
import type { Candidate, PlanSubject } from './types.ts';

/** Requests of a simulation: enough for a 99th percentile with four beyond it. */
export const SIMULATED_REQUESTS = 400;
const EVENTS_A_PART = 4096;

export interface SimulatedPlan {
  readonly summary: SimSummary;
  /** Blocks of the replica's pool. */
  readonly blocks: number;
  readonly requests: number;
}

/** The planner's step times as the simulator asks for them. */
export function planCost(candidate: Candidate, { model, calibration }: PlanSubject): CostModel {
  const speed = createSpeed(candidate, model, { calibration });
  const basis = emptyBasis();
  return {
    name: `planner, ${candidate.gpu.name}, ${model.name}`,
    about: speed.about(),
    basis,
    stepMs: (work) => {
      basis.assumed++;
      return speed.workMs(work);
    },
  };
}

function arrivalsOf(
  sized: Sized,
  { scenario }: PlanSubject,
  requests: number,
): SimScenario['workload']['arrivals'] {
  const { concurrency } = scenario.load;
  const { served, replicas } = sized;
  if (concurrency !== null || scenario.load.rate === null) {
    const users = concurrency === null ? served.batch : concurrency / replicas;
    return { kind: 'closed', users: Math.max(1, Math.min(requests, Math.round(users))), thinkSeconds: 0 };
  }
  // Prefill and decode apart are simulated as a whole.
  const parts = sized.candidate.choice.disaggregated === null ? replicas : 1;
  return { kind: 'poisson', rate: scenario.load.rate / parts };
}

/** Microseconds of software before a copy between replicas begins. Assumed, as the simulator's. */
const LINK_LATENCY_US = 10;
const HOST_LINK_GBPS = 32;

function apartOf({ candidate: { choice, gpu } }: Sized): SimScenario['cluster']['disaggregation'] {
  if (choice.disaggregated === null) return null;
  const { linkGBps, hostGBps } = gpu.serving;
  const most = (replicas: number): number => Math.min(256, replicas);
  return {
    prefillReplicas: most(choice.disaggregated.prefillReplicas),
    decodeReplicas: most(choice.disaggregated.decodeReplicas),
    linkGBps: linkGBps ?? hostGBps ?? HOST_LINK_GBPS,
    linkLatencyUs: LINK_LATENCY_US,
  };
}

/** Host memory below the pool of a replica. */
function tiersOf({ candidate: { choice, gpu } }: Sized): SimScenario['cluster']['tiers'] {
  const { offloadGB, tensorParallel, pipelineParallel } = choice;
  if (offloadGB <= 0 || gpu.serving.hostGBps === null) return [];
  const group = tensorParallel * pipelineParallel;
  return [
    {
      kind: 'host',
      capacityGB: offloadGB * group,
      // Each GPU of a replica has a link of its own.
      bandwidthGBps: gpu.serving.hostGBps * group,
      latencyUs: LINK_LATENCY_US,
      shared: false,
    },
  ];
}

/** The load of one replica, as the simulator draws it. */
export function simulatedScenario(sized: Sized, subject: PlanSubject, requests: number): SimScenario {
  const { scenario } = subject;
  const { choice } = sized.candidate;
  const { load, constraints, seed } = scenario;
  const { sharedPrefix } = load;
  return {
    ...DEFAULT_SIMULATION,
    title: scenario.title,
    seed,
    model: subject.model.id,
    hardware: {
      gpu: choice.gpu,
      tensorParallel: choice.tensorParallel,
      pipelineParallel: choice.pipelineParallel,
      memoryUtilization: choice.memoryUtilization,
      kvBlocks: null,
    },
    engine: {
      ...DEFAULT_SIMULATION.engine,
      blockSize: choice.blockSize,
      kvFormat: choice.kvFormat,
      weights: choice.weights,
      tokenBudget: choice.tokenBudget,
      maxSequences: choice.maxSequences,
      prefixCache: choice.prefixCaching ? 'hash' : 'off',
      speculation: choice.speculation,
    },
    cluster: { ...DEFAULT_SIMULATION.cluster, disaggregation: apartOf(sized), tiers: tiersOf(sized) },
    workload: {
      ...DEFAULT_SIMULATION.workload,
      requests,
      arrivals: arrivalsOf(sized, subject, requests),
      promptTokens: movedBy(load.promptTokens, imageTokens(load) - (sharedPrefix?.tokens ?? 0)),
      outputTokens: load.outputTokens,
      sharing:
        sharedPrefix === null
          ? { kind: 'none' }
          : { kind: 'system', prompts: sharedPrefix.prompts, systemTokens: sharedPrefix.tokens, exponent: 1 },
    },
    objectives: { ttftMs: constraints.ttftMs, tpotMs: constraints.tpotMs, e2eMs: constraints.e2eMs },
  };
}

type Lengths = SimScenario['workload']['promptTokens'];

const DRAWS = 2048;
const STEPS = 64;

/** Prompts moved by so many tokens: without the shared prefix, which the simulator puts before them, with their images. */
export function movedBy(lengths: Lengths, tokens: number): Lengths {
  const moved = (length: number): number => Math.max(1, Math.round(length + tokens));
  if (tokens === 0) return lengths;
  if (lengths.kind === 'fixed') return { ...lengths, tokens: moved(lengths.tokens) };
  if (lengths.kind === 'mixture') {
    return {
      ...lengths,
      parts: lengths.parts.map(({ weight, tokens: length }) => ({ weight, tokens: moved(length) })),
    };
  }
  const draws = Array.from({ length: DRAWS }, lengthDraws(lengths, createRandom(1).fork('moved'))).sort(
    (a, b) => a - b,
  );
  const points = Array.from({ length: STEPS + 1 }, (_, i): [number, number] => [
    i / STEPS,
    moved(draws[Math.round((i / STEPS) * (DRAWS - 1))] ?? 1),
  ]);
  return { kind: 'quantiles', points };
}

export interface SimulationOptions {
  readonly requests?: number;
  /** Of the scenario's trace. */
  readonly trace?: Trace | null;
  /** The trace's arrival times are divided by this. */
  readonly speed?: number;
}

/** One replica through its part of the load. @throws Error in one sentence where the simulator can't */
export function simulatePlan(
  sized: Sized,
  subject: PlanSubject,
  options: SimulationOptions = {},
): SimulatedPlan {
  const { requests = SIMULATED_REQUESTS, trace = null, speed = 1 } = options;
  const { model: architecture } = subject;
  const drawn = simulatedScenario(sized, subject, requests);
  const named = { name: subject.scenario.load.trace ?? 'trace', speed };
  const scenario = trace === null ? drawn : { ...drawn, workload: { ...drawn.workload, trace: named } };
  const table = generateRequests(scenario, trace);
  const { blocks } = capacityOf(sized.candidate, subject);
  const collector = new ServingCollector({
    requests: table,
    blockSize: scenario.engine.blockSize,
    maxSamples: 16,
  });
  const observer = Object.assign(collector, { rejected: () => undefined });
  const cost = planCost(sized.candidate, subject);
  const engine = createEngine({ scenario, requests: table, cost, numBlocks: blocks, observer, architecture });
  while (engine.advance(EVENTS_A_PART));
  const summary = summarizeServing(collector, {
    objectives: scenario.objectives,
    prefixCache: sharesPrefixes(scenario, architecture),
    cdfSteps: 100,
  });
  return { summary, blocks, requests: table.size };
}

/** The same load with and without a prefix cache; null where nothing is shared, or the model keeps states. */
export function simulatePrefix(
  sized: Sized,
  subject: PlanSubject,
  options: SimulationOptions = {},
): PlanPrefix | null {
  const { sharedPrefix, trace } = subject.scenario.load;
  if (sharedPrefix === null && trace === null) return null;
  const at = (prefixCaching: boolean): SimSummary => {
    const choice: PlanChoice = { ...sized.candidate.choice, prefixCaching };
    return simulatePlan({ ...sized, candidate: { ...sized.candidate, choice } }, subject, options).summary;
  };
  const [on, off] = [at(true), at(false)];
  if (on.prefixHitRatio === null) return null;
  const ttft = { on: on.ttftMs?.mean ?? 0, off: off.ttftMs?.mean ?? 0 };
  return {
    hitRatio: on.prefixHitRatio,
    ttftSaved: ttft.off > 0 ? Math.max(0, 1 - ttft.on / ttft.off) : 0,
    memorySaved: off.meanKvBlocks > 0 ? Math.max(0, 1 - on.meanKvBlocks / off.meanKvBlocks) : 0,
    throughputRatio: off.outputTokensPerSecond > 0 ? on.outputTokensPerSecond / off.outputTokensPerSecond : 1,
  };
}
