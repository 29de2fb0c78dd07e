/** Clusters for tests: a small scenario, a cost that is easy to reckon with, and everything that was told. */
import { DEFAULT_SIMULATION } from '../../../src/core/scenario/simulate/defaults.ts';
import type { Cluster, SimEngine, SimScenario } from '../../../src/core/scenario/simulate/schema.ts';
import { requestTable, type RequestRow, type RequestTable } from '../../../src/core/schedule/requests.ts';
import { createCluster } from '../../../src/sim/cluster.ts';
import { createLinear } from '../../../src/sim/cost/linear.ts';
import type { CostModel } from '../../../src/sim/cost/model.ts';
import type { SimObserver } from '../../../src/sim/types.ts';

/** 10 ms a step and 0.1 ms a token: 1,000 tokens of prefill take 110 ms. */
export const LINEAR = {
  kind: 'linear',
  baseMs: 10,
  perTokenMs: 0.1,
  perPrefillPairMs: 0,
  perContextTokenMs: 0,
  perSequenceMs: 0,
} as const;

export interface TestOptions {
  readonly model?: string;
  readonly engine?: Partial<SimEngine>;
  readonly cluster?: Partial<Cluster>;
  readonly numBlocks?: number;
  readonly cost?: CostModel;
  readonly seed?: number;
  readonly observer?: SimObserver;
  /** Events at a time. */
  readonly stride?: number;
  /** Keep everything that was told, word by word. */
  readonly log?: boolean;
}

export interface Told {
  readonly arrivedMs: number[];
  readonly startedMs: number[];
  readonly prefilledMs: number[];
  readonly finishedMs: number[];
  readonly finishes: number[];
  readonly replica: number[];
  readonly cached: number[];
  readonly rejected: number[];
  preemptions: number;
  steps: number;
  outBytes: number;
  inBytes: number;
  readonly loaded: (readonly number[])[];
  /** Everything in the order in which it was told, for comparing whole runs. */
  readonly log: string[];
}

function createTold(told: Told, keep: boolean): SimObserver {
  const log = (...words: (string | number)[]) => void (keep && told.log.push(words.join(' ')));
  return {
    arrived(request, nowMs, replica) {
      told.arrivedMs[request] = nowMs;
      log('arrived', request, nowMs, replica);
    },
    rejected: (request) => void told.rejected.push(request),
    started(request, nowMs, replica, cached) {
      told.startedMs[request] ??= nowMs;
      told.replica[request] ??= replica;
      told.cached[request] ??= cached;
      log('started', request, nowMs, replica, cached);
    },
    preempted(request, nowMs) {
      told.preemptions++;
      log('preempted', request, nowMs);
    },
    prefilled: (request, nowMs) => void (told.prefilledMs[request] ??= nowMs),
    finished(request, nowMs, replica) {
      told.finishedMs[request] = nowMs;
      told.finishes[request] = (told.finishes[request] ?? 0) + 1;
      log('finished', request, nowMs, replica);
    },
    moved(_replica, outBytes, inBytes) {
      told.outBytes += outBytes;
      told.inBytes += inBytes;
    },
    loaded: (...what) => void told.loaded.push(what),
    step: () => void told.steps++,
  };
}

export function scenarioOf({ model, engine, cluster, seed }: TestOptions): SimScenario {
  return {
    ...DEFAULT_SIMULATION,
    seed: seed ?? 1,
    model: model ?? DEFAULT_SIMULATION.model,
    engine: { ...DEFAULT_SIMULATION.engine, ...engine },
    cluster: { ...DEFAULT_SIMULATION.cluster, ...cluster },
    cost: LINEAR,
  };
}

export function runTable(requests: RequestTable, options: TestOptions = {}) {
  const told: Told = {
    arrivedMs: [],
    startedMs: [],
    prefilledMs: [],
    finishedMs: [],
    finishes: [],
    replica: [],
    cached: [],
    rejected: [],
    preemptions: 0,
    steps: 0,
    outBytes: 0,
    inBytes: 0,
    loaded: [],
    log: [],
  };
  const cluster = createCluster({
    scenario: scenarioOf(options),
    requests,
    cost: options.cost ?? createLinear(LINEAR),
    numBlocks: options.numBlocks ?? 1000,
    observer: options.observer ?? createTold(told, options.log === true),
  });
  let turns = 0;
  while (cluster.loop.advance(options.stride ?? 1000)) {
    if (++turns > 100_000) throw new Error('The run does not end.');
  }
  return { ...cluster, told };
}

export function run(rows: readonly RequestRow[], options: TestOptions = {}) {
  return runTable(requestTable(rows), options);
}

/** A request whose full blocks are all known. */
export function textRow(
  arrivalMs: number,
  promptTokens: number,
  outputTokens: number,
  firstId: number,
  blockSize = 16,
): RequestRow {
  const blocks = Math.floor(promptTokens / blockSize);
  return {
    arrivalMs,
    promptTokens,
    outputTokens,
    blockIds: Array.from({ length: blocks }, (_, i) => firstId + i),
  };
}
