/** One repetition of one point: requests drawn, replicas built, events handled, metrics put together. */
import { findGpu } from '../core/hardware/records.ts';
import { ServingCollector } from '../core/metrics/serving/collector.ts';
import { requestColumns, summarizeServing } from '../core/metrics/serving/summary.ts';
import { findArchitecture } from '../core/model/architecture.ts';
import type { CheckRun } from '../core/run/schema.ts';
import type { SimRepetition } from '../core/run/simulation.ts';
import { groupsNote, servedBlocks, sharesPrefixes } from '../core/scenario/simulate/fit.ts';
import type { SimScenario } from '../core/scenario/simulate/schema.ts';
import type { RequestTable } from '../core/schedule/requests.ts';
import { generateRequests } from '../core/workload/generate.ts';
import type { Trace } from '../core/workload/traces/trace.ts';
import { createCostModel, type CostModel } from './cost/index.ts';
import { createEngine } from './engine.ts';
import { joinObservers } from './join-observers.ts';
import type { KeepLimits } from './run-limits.ts';
import type { SimObserver } from './types.ts';

/** Files beside the scenario, by the names that it gives them. */
export interface SimInputs {
  readonly traces?: (name: string) => Trace | undefined;
  /** Makes a cost model of a measured profile, for the model and GPUs of the scenario. */
  readonly profiles?: (name: string, scenario: SimScenario) => CostModel | undefined;
  readonly checks?: (name: string) => CheckRun | undefined;
}

export interface Repetition {
  readonly costModel: string;
  readonly numRequests: number;
  /** Requests that are over. */
  readonly numDone: number;
  readonly fraction: number;
  /** Handles a bounded number of events; false when the repetition is over. */
  advance(maxEvents: number): boolean;
  /** As far as it is. */
  result(): SimRepetition;
  /** Sentences about what happened. */
  notes(): string[];
}

function named<T>(what: string, name: string, find: (name: string) => T | undefined): T {
  const found = find(name);
  if (found === undefined) throw new RangeError(`The ${what} “${name}” is not known; choose another one.`);
  return found;
}

/** What a scenario names beside itself; null where it names no trace. */
export function traceOf({ workload }: SimScenario, inputs: SimInputs): Trace | null {
  if (workload.trace === null) return null;
  return inputs.traces?.(workload.trace.name) ?? null;
}

/** @throws Error in one sentence for a model, GPU or file that is not known */
export function costOf(scenario: SimScenario, { profiles, checks }: SimInputs): CostModel {
  return createCostModel(scenario.cost, {
    scenario,
    model: named('model', scenario.model, findArchitecture),
    gpu: named('GPU', scenario.hardware.gpu, findGpu),
    ...(profiles ? { table: (name: string) => profiles(name, scenario) } : {}),
    ...(checks ? { check: checks } : {}),
  });
}

/** KV blocks of one replica. @throws RangeError in one sentence where the weights or the longest request do not fit */
export function numBlocksOf(scenario: SimScenario, requests: RequestTable): number {
  const blocks = servedBlocks(scenario, requests);
  if (!blocks.ok) throw new RangeError(blocks.sentence);
  return blocks.value;
}

/**
 * @param listener is told what happens beside the metrics
 * @throws Error in one sentence where the scenario is impossible
 */
export function startRepetition(
  scenario: SimScenario,
  inputs: SimInputs,
  limits: KeepLimits,
  listener?: SimObserver,
): Repetition {
  const requests = generateRequests(scenario, traceOf(scenario, inputs));
  const cost = costOf(scenario, inputs);
  const collector = new ServingCollector({
    requests,
    blockSize: scenario.engine.blockSize,
    maxSamples: limits.samples,
  });
  const groups = groupsNote(scenario);
  let rejected = 0;
  const observer = joinObservers(Object.assign(collector, { rejected: () => void rejected++ }), listener);
  const engine = createEngine({
    scenario,
    requests,
    cost,
    numBlocks: numBlocksOf(scenario, requests),
    observer,
  });
  const options = {
    objectives: scenario.objectives,
    prefixCache: sharesPrefixes(scenario),
    cdfSteps: limits.cdfSteps,
  };
  return {
    costModel: `${cost.name}. ${cost.about}`,
    numRequests: requests.size,
    get numDone() {
      return engine.numDone;
    },
    get fraction() {
      return requests.size === 0 ? 1 : engine.numDone / requests.size;
    },
    advance: (maxEvents) => engine.advance(maxEvents),
    result: () => ({
      seed: scenario.seed,
      summary: summarizeServing(collector, options),
      series: collector.series.series(),
      requests: requestColumns(collector.times, limits.rows),
      basis: { ...cost.basis },
      tiers: [...engine.tiers()],
    }),
    notes: () => [
      ...(groups === null ? [] : [groups]),
      ...notesOf(requests.size, rejected, limits.rows),
      ...engine.notes(),
    ],
  };
}

function notesOf(requests: number, rejected: number, rows: number): string[] {
  const refused = rejected === 1 ? '1 request is' : `${rejected} requests are`;
  return [
    ...(rejected > 0 ? [`${refused} longer than all KV blocks and never ran; give the replica more.`] : []),
    ...(requests > rows
      ? [`The run keeps the first ${rows} of ${requests} requests; its summary counts all of them.`]
      : []),
  ];
}
