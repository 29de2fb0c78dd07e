/**
 * What a point of a sweep has to do, counted before it runs: tokens, attention arithmetic, bytes read and held.
 *
 * Boundary: counts only; seconds need a device's rates. Attention is 4·layers·queryHeads·headDim FLOP a pair of query
 * and key (QKᵀ and PV), causal prefill has n(n+1)/2 pairs.
 */
import { kvLayout } from '../kv/formats.ts';
import { longestContext, sequencesOf } from './rules.ts';
import type { Scenario } from './schema.ts';
import { expandSweep } from './sweep.ts';

export interface Work {
  readonly sequences: number;
  readonly prefillTokens: number;
  readonly decodeTokens: number;
  /** Steps with one token for each running sequence, and prefill chunks. */
  readonly steps: number;
  readonly prefillFlops: number;
  readonly decodeFlops: number;
  /** Bytes of K and V that decode steps read. */
  readonly decodeReadBytes: number;
  /** Bytes that tokens occupy at the end, a shared prefix counted once under `paged`. */
  readonly usedBytes: number;
  /** Bytes of the blocks or reservations that hold them. */
  readonly reservedBytes: number;
}

/** KV bytes of one token over all layers, its share of its block's parameters included. */
export function kvBytesPerToken({ model, engine }: Scenario): number {
  return (
    (kvLayout(engine.kvFormat, { ...model, blockSize: engine.blockSize }).blockBytes / engine.blockSize) *
    model.layers
  );
}

/** Blocks that n tokens take. */
function blocks(tokens: number, blockSize: number): number {
  return Math.ceil(tokens / blockSize);
}

/** Tokens a sequence keeps of a context: all, or the window with its sinks, or the eviction budget. */
function keptTokens({ engine }: Scenario, context: number): number {
  const { windowTokens, sinkTokens, eviction } = engine;
  const windowed = windowTokens > 0 ? Math.min(context, windowTokens + sinkTokens) : context;
  return eviction.policy === 'none' ? windowed : Math.min(windowed, eviction.budgetTokens);
}

function sumOfContexts(point: Scenario, promptTokens: number, outputTokens: number): number {
  let sum = 0;
  for (let t = 1; t <= outputTokens; t++) sum += keptTokens(point, promptTokens + t);
  return sum;
}

/** Tokens and blocks held when every sequence has ended, before anything is freed; without eviction. */
function held({ engine, workload }: Scenario): { tokens: number; slots: number } {
  const { blockSize, layout, maxContextTokens } = engine;
  const sequences = sequencesOf(workload);
  const contexts = sequences.map(({ promptTokens, outputTokens }) => promptTokens + outputTokens);
  const total = contexts.reduce((sum, context) => sum + context, 0);
  if (layout === 'contiguous') {
    const reservation = maxContextTokens || longestContext(workload);
    return { tokens: total, slots: sequences.length * blocks(reservation, blockSize) * blockSize };
  }
  // Only whole blocks of a prefix can be shared.
  const shared = Math.floor(workload.sharedPrefixTokens / blockSize) * blockSize;
  const saved = shared * (sequences.length - 1);
  const slots = contexts.reduce((sum, context) => sum + blocks(context, blockSize) * blockSize, 0);
  return { tokens: total - saved, slots: slots - saved };
}

/** The work of one repetition of one point (a scenario without a sweep). */
export function workOf(point: Scenario): Work {
  const { model, engine, workload } = point;
  const flopsPerPair = 4 * model.layers * model.queryHeads * model.headDim;
  const bytesPerToken = kvBytesPerToken(point);
  const sequences = sequencesOf(workload);
  const shares = engine.layout === 'paged';
  let [prefillTokens, prefillPairs, contexts, chunks] = [0, 0, 0, 0];
  sequences.forEach(({ promptTokens, outputTokens }, i) => {
    const cached = shares && i > 0 ? workload.sharedPrefixTokens : 0;
    prefillTokens += promptTokens - cached;
    prefillPairs += (promptTokens * (promptTokens + 1) - cached * (cached + 1)) / 2;
    chunks += Math.ceil((promptTokens - cached) / engine.prefillChunkTokens);
    contexts += sumOfContexts(point, promptTokens, outputTokens);
  });
  const { tokens, slots } = held(point);
  return {
    sequences: sequences.length,
    prefillTokens,
    decodeTokens: sequences.reduce((sum, { outputTokens }) => sum + outputTokens, 0),
    steps: chunks + Math.max(...sequences.map(({ outputTokens }) => outputTokens)),
    prefillFlops: prefillPairs * flopsPerPair,
    decodeFlops: contexts * flopsPerPair,
    decodeReadBytes: contexts * bytesPerToken,
    usedBytes: tokens * bytesPerToken,
    reservedBytes: slots * bytesPerToken,
  };
}

export interface Rates {
  readonly readBytesPerSecond: number;
  readonly attentionFlopsPerSecond: number;
  readonly secondsPerStep: number;
}

/** Seconds that a whole sweep takes at given rates, warm-up included. An estimate: origin `assumed`. */
export function estimateSeconds(scenario: Scenario, rates: Rates): number {
  const { repeats, warmupRepeats } = scenario.measurement;
  const once = expandSweep(scenario).reduce((sum, { scenario: point }) => {
    const work = workOf(point);
    const decode = Math.max(
      work.decodeReadBytes / rates.readBytesPerSecond,
      work.decodeFlops / rates.attentionFlopsPerSecond,
    );
    return (
      sum + decode + work.prefillFlops / rates.attentionFlopsPerSecond + work.steps * rates.secondsPerStep
    );
  }, 0);
  return once * (repeats + warmupRepeats);
}
