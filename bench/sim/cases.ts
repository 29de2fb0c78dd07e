/** The loads that the simulator is timed on. */
import type { SimScenario, Trace } from '../../src/index.ts';
import { presetSimulation } from '../../src/index.ts';
import { runSimulation } from '../../src/sim/index.ts';
import { DEFAULT_SIMULATION } from '../../src/core/scenario/simulate/defaults.ts';

export interface SimCase {
  readonly name: string;
  /** File of the reference data that it replays; null: drawn. */
  readonly trace: string | null;
  readonly targetMs: number;
  /** Times that it is run; the first one warms up and is not counted. */
  readonly rounds: number;
  /** Made when the case is run: a load may have to be found first. */
  readonly scenario: () => SimScenario;
}

export const AZURE = 'traces/AzureLLMInferenceTrace_conv_2023.csv';
export const MOONCAKE = 'traces/mooncake_conversation_trace.jsonl';

/** Log-normal lengths as in Azure's conversations, with means of 1,155 and 211 after truncation. */
const LENGTHS = {
  promptTokens: { kind: 'lognormal', mu: 6.586, sigma: 0.985, min: 1, max: 14_050 },
  outputTokens: { kind: 'lognormal', mu: 5.0725, sigma: 0.859, min: 1, max: 1000 },
} as const;

/** Requests that one replica finishes a second when there are always more of them. */
export function capacity(scenario: SimScenario, requests = 4000): number {
  const workload = {
    ...scenario.workload,
    requests,
    arrivals: { kind: 'constant', rate: 1e6 } as const,
  };
  const [point] = runSimulation({ ...scenario, workload }).points;
  const summary = point?.repetitions[0]?.summary;
  if (!summary) throw new Error(`The capacity could not be simulated: ${point?.reason ?? 'no point'}.`);
  return summary.requestsPerSecond;
}

/** A load of `share` of what one H100 with Llama-3.1-8B can do. */
export function loaded(requests: number, share: number): SimScenario {
  const scenario: SimScenario = {
    ...DEFAULT_SIMULATION,
    title: `${requests} requests at ${Math.round(100 * share)} % load`,
    workload: { ...DEFAULT_SIMULATION.workload, ...LENGTHS, requests },
  };
  const rate = Number((share * capacity(scenario)).toPrecision(3));
  return { ...scenario, workload: { ...scenario.workload, arrivals: { kind: 'poisson', rate } } };
}

export const SIM_CASES: readonly SimCase[] = [
  {
    name: 'Azure conversation trace, 19,366 requests',
    trace: AZURE,
    targetMs: 500,
    rounds: 6,
    scenario: () => presetSimulation('azure-conversation'),
  },
  {
    name: 'Mooncake conversation trace, 1,000 requests, blocks of 512',
    trace: MOONCAKE,
    targetMs: 50,
    rounds: 8,
    scenario: () => presetSimulation('mooncake-conversation'),
  },
];

export const MILLION: Omit<SimCase, 'trace'> = {
  name: 'one million drawn requests, means of 1,155 in and 211 out, 80 % load',
  targetMs: 20_000,
  rounds: 1,
  scenario: () => loaded(1_000_000, 0.8),
};

export interface SimRow {
  readonly name: string;
  readonly requests: number;
  readonly steps: number;
  readonly medianMs: number;
  readonly minMs: number;
  /** Least time of the processor, all threads together; null where it cannot be had. On a busy machine it tells more. */
  readonly processorMs: number | null;
  readonly targetMs: number;
  readonly note: string;
}

/** Clocks in milliseconds. */
export interface Clocks {
  readonly now: () => number;
  readonly processor: (() => number) | null;
}

/** Times one case with the caller's clocks. */
export function timeCase(
  { name, targetMs, rounds, scenario }: Omit<SimCase, 'trace'>,
  trace: Trace | null,
  { now, processor }: Clocks,
  onProgress: () => void = () => undefined,
): SimRow {
  const chosen = scenario();
  const times: number[] = [];
  const processorTimes: number[] = [];
  let [requests, steps] = [0, 0];
  for (let round = 0; round < rounds; round++) {
    const [startedAt, usedBefore] = [now(), processor?.() ?? 0];
    const run = runSimulation(chosen, { traces: () => trace ?? undefined, onProgress });
    times.push(now() - startedAt);
    if (processor) processorTimes.push(processor() - usedBefore);
    const [point] = run.points;
    if (point?.status !== 'done') throw new Error(`${name}: ${point?.reason ?? 'nothing ran'}`);
    const summary = point.repetitions[0]?.summary;
    [requests, steps] = [summary?.requests ?? 0, summary?.steps ?? 0];
  }
  const counted = times.length > 1 ? times.slice(1) : times;
  counted.sort((a, b) => a - b);
  return {
    name,
    requests,
    steps,
    medianMs: counted[Math.floor(counted.length / 2)] ?? NaN,
    minMs: counted[0] ?? NaN,
    processorMs: processorTimes.length > 0 ? Math.min(...processorTimes) : null,
    targetMs,
    note: '',
  };
}
