/**
 * Predicted beside measured: the cost of a server's steps, fitted on the calibrating repetitions as they look from outside,
 * and the same scenario through the simulator with it.
 *
 * A server does not tell its steps, but each step gives every decoding sequence one token, so tokens of different requests
 * that come together are one step. A request's whole prompt is laid on the step that gives its first token. What a step
 * took includes the network and the client, which the fit therefore counts as the server's.
 */
import type { LoadedServer, LoadFit, LoadRecord } from '../core/run/load.ts';
import type { SimSummary } from '../core/run/simulation.ts';
import type { LoadScenario } from '../core/scenario/load/schema.ts';
import { DEFAULT_SIMULATION } from '../core/scenario/simulate/defaults.ts';
import type { SimScenario } from '../core/scenario/simulate/schema.ts';
import { percentileLinear } from '../core/metrics/percentiles.ts';
import type { Trace } from '../core/workload/traces/trace.ts';
import { fitLinear, type FitStep } from '../sim/cost/linear-fit.ts';
import { runSimulation } from '../sim/run.ts';

interface TokenEvent {
  readonly row: number;
  readonly ms: number;
  /** Tokens that the sequence had generated before. */
  readonly before: number;
}

/** Steps as they look from outside. */
export function stepsSeen({ requests }: LoadRecord): FitStep[] {
  const events = eventsOf(requests);
  if (events.length === 0) return [];
  const together = togetherMs(events);
  const steps: FitStep[] = [];
  let step: TokenEvent[] = [];
  let lastMs = NaN;
  const close = (): void => {
    const end = step.at(-1)?.ms ?? NaN;
    const seen = stepOf(step, requests, lastMs, end);
    if (seen !== null) steps.push(seen);
    lastMs = end;
    step = [];
  };
  for (const event of events) {
    const apart = event.ms - (step.at(-1)?.ms ?? event.ms) > together;
    if (apart || step.some(({ row }) => row === event.row)) close();
    step.push(event);
  }
  close();
  return steps;
}

function eventsOf(requests: LoadRecord['requests']): TokenEvent[] {
  const events: TokenEvent[] = [];
  let at = 0;
  requests.chunks.forEach((count, row) => {
    const times = spread(requests.chunkMs.slice(at, at + count));
    times.forEach((ms, before) => events.push({ row, ms, before }));
    at += count;
  });
  return events.sort((a, b) => a.ms - b.ms || a.row - b.row);
}

/**
 * Tokens that came in one read were not made at one time: all but the first of a request are laid evenly on the time since
 * the read before, or, in the first read, on the time until the next.
 */
export function spread(times: readonly number[]): number[] {
  const even: number[] = times.slice(0, 1);
  let from = times[0] ?? 0;
  for (let i = 1; i < times.length;) {
    const to = times.slice(i).find((ms) => ms > from) ?? from;
    let end = i;
    while (end < times.length && (times[end] ?? 0) <= to) end++;
    for (let k = i; k < end; k++) even.push(from + ((to - from) * (k - i + 1)) / (end - i));
    from = to;
    i = end;
  }
  return even;
}

/** Tokens within a fourth of the usual gap belong to one step. */
function togetherMs(events: readonly TokenEvent[]): number {
  const last = new Map<number, number>();
  const gaps: number[] = [];
  for (const { row, ms } of events) {
    const before = last.get(row);
    if (before !== undefined && ms > before) gaps.push(ms - before);
    last.set(row, ms);
  }
  return gaps.length === 0 ? 0 : percentileLinear(gaps, 50) / 4;
}

function stepOf(
  step: readonly TokenEvent[],
  requests: LoadRecord['requests'],
  lastMs: number,
  endMs: number,
): FitStep | null {
  let [prefill, pairs, context, decoding] = [0, 0, 0, 0];
  let earliestSent = Infinity;
  for (const { row, before } of step) {
    const prompt = requests.promptTokens[row] ?? requests.askedPromptTokens[row] ?? 0;
    const cached = requests.cachedTokens[row] ?? 0;
    if (before === 0) {
      const computed = Math.max(1, prompt - cached);
      prefill += computed;
      pairs += computed * cached + (computed * (computed + 1)) / 2;
      earliestSent = Math.min(earliestSent, requests.sentMs[row] ?? Infinity);
    } else {
      decoding++;
      context += prompt + before;
    }
  }
  // A step that decodes began when the one before was over; one that does not may have had to wait for a request.
  const startMs = decoding > 0 ? lastMs : Math.max(Number.isNaN(lastMs) ? -Infinity : lastMs, earliestSent);
  const ms = endMs - startMs;
  if (!Number.isFinite(ms) || ms <= 0) return null;
  return {
    tokens: prefill + decoding,
    prefillPairs: pairs,
    decodeContextTokens: context,
    decodeSequences: decoding,
    ms,
  };
}

/** Null for too few steps. */
export function fitLoad(calibration: readonly LoadRecord[]): LoadFit | null {
  const fit = fitLinear(calibration.flatMap(stepsSeen));
  if (fit === null) return null;
  const { kind: _kind, ...constants } = fit.settings;
  return { ...constants, steps: fit.steps, meanErrorPercent: fit.meanErrorPercent };
}

/** More than any server keeps, where nobody says how much it has. */
const MANY_TOKENS = 100_000_000;
const MANY_SEQUENCES = 4096;

/** The scenario of the simulator that stands for a server, with the cost of its steps as they were seen. */
export function simulationOf(
  { workload, server, prompts, objectives, title, client }: LoadScenario,
  told: LoadedServer,
  { steps: _steps, meanErrorPercent: _error, ...constants }: LoadFit,
  seed: number,
): SimScenario {
  const { engine, hardware } = DEFAULT_SIMULATION;
  const kvTokens = server.kvTokens ?? told.kvTokens ?? MANY_TOKENS;
  return {
    ...DEFAULT_SIMULATION,
    title,
    seed,
    workload,
    objectives,
    // The cost is fitted, so the model only says how long a text may be.
    hardware: { ...hardware, kvBlocks: Math.max(1, Math.floor(kvTokens / prompts.blockTokens)) },
    engine: {
      ...engine,
      blockSize: prompts.blockTokens,
      // What the client holds back waits as if the server had no place for it.
      maxSequences: Math.min(
        client.maxInFlight,
        MANY_SEQUENCES,
        server.maxSequences ?? told.maxSequences ?? MANY_SEQUENCES,
      ),
      tokenBudget: server.tokenBudget,
      prefixCache: server.prefixCache ? 'hash' : 'off',
    },
    cost: { kind: 'linear', ...constants },
  };
}

/** The summary of the same requests in the simulator; null where it can't run them. */
export function predictLoad(
  scenario: LoadScenario,
  told: LoadedServer,
  fit: LoadFit,
  seed: number,
  trace: Trace | null,
): SimSummary | null {
  const simulation = simulationOf(scenario, told, fit, seed);
  const run = runSimulation(simulation, { traces: () => trace ?? undefined });
  return run.points[0]?.repetitions[0]?.summary ?? null;
}
