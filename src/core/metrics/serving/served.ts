/**
 * The summary of a repetition of the serving lab, measured or predicted: its raw columns go through the collector that
 * listens to the simulator, so that a metric means the same on both sides and has one definition (definitions.ts).
 */
import type { ServePoint, ServeRecord } from '../../run/serve.ts';
import type { SimRepetition } from '../../run/simulation.ts';
import { requestTable } from '../../schedule/requests.ts';
import { ServingCollector } from './collector.ts';
import type { PoolState } from './pool-state.ts';
import { requestColumns, summarizeServing, type ServingObjectives } from './summary.ts';

export interface ServedShape {
  /** Of the pool; null where nobody says. */
  readonly kvBlocks: number | null;
  readonly blockSize: number | null;
  readonly objectives: ServingObjectives;
  readonly prefixCache: boolean;
}

const CDF_STEPS = 200;
const MAX_SAMPLES = 3000;

function fillTimes(collector: ServingCollector, { requests }: ServeRecord): void {
  const { times, totals, gaps } = collector;
  const known = (value: number | null | undefined): number => value ?? NaN;
  let at = 0;
  for (let row = 0; row < times.table.size; row++) {
    times.arrivalMs[row] = known(requests.arrivalMs[row]);
    times.startMs[row] = known(requests.startMs[row]);
    times.firstTokenMs[row] = known(requests.firstTokenMs[row]);
    times.endMs[row] = known(requests.endMs[row]);
    times.cachedTokens[row] = requests.cachedTokens[row] ?? 0;
    times.preemptions[row] = requests.preemptions[row] ?? 0;
    if (requests.startMs[row] !== null) {
      totals.lookedUpTokens += requests.promptTokens[row] ?? 0;
      totals.hitTokens += requests.cachedTokens[row] ?? 0;
    }
    const tokens = requests.tokens[row] ?? 0;
    for (let i = at + 1; i < at + tokens; i++) {
      gaps.add((requests.tokenMs[i] ?? 0) - (requests.tokenMs[i - 1] ?? 0), 1);
    }
    at += tokens;
  }
}

function fillSteps(collector: ServingCollector, { steps }: ServeRecord, kvBlocks: number): void {
  const { totals, usage, series } = collector;
  let beforeMs = 0;
  for (let i = 0; i < steps.endMs.length; i++) {
    const state: PoolState = {
      numRunning: steps.running[i] ?? 0,
      numWaiting: steps.waiting[i] ?? 0,
      numBlocks: kvBlocks,
      numActiveBlocks: steps.activeBlocks[i] ?? 0,
      numCachedBlocks: steps.cachedBlocks[i] ?? 0,
      numFreeBlocks: Math.max(0, kvBlocks - (steps.activeBlocks[i] ?? 0)),
      numWastedSlots: steps.wastedSlots[i] ?? 0,
    };
    totals.steps++;
    totals.sequences += (steps.decodeSequences[i] ?? 0) + (steps.prefillChunks[i] ?? 0);
    totals.preemptions += steps.preemptions[i] ?? 0;
    totals.recomputedTokens += steps.recomputedTokens[i] ?? 0;
    series.counts.preemptions += steps.preemptions[i] ?? 0;
    // Of two steps under way at once the second has the device when the first is over.
    const startMs = Math.max(beforeMs, steps.startMs[i] ?? 0);
    const endMs = Math.max(startMs, steps.endMs[i] ?? 0);
    usage.began(0, startMs, 0, state);
    usage.ended(0, startMs, endMs, state);
    beforeMs = endMs;
  }
}

/** The record with its summary, as a repetition of the simulator has it. */
export function servedRepetition(record: ServeRecord, shape: ServedShape): SimRepetition {
  const { requests, steps, seed } = record;
  const table = requestTable(
    requests.arrivalMs.map((arrivalMs, row) => ({
      arrivalMs: arrivalMs ?? 0,
      promptTokens: requests.promptTokens[row] ?? 0,
      outputTokens: requests.tokens[row] ?? 0,
    })),
  );
  const collector = new ServingCollector({
    requests: table,
    blockSize: shape.blockSize ?? 1,
    maxSamples: MAX_SAMPLES,
  });
  fillTimes(collector, record);
  fillSteps(collector, record, shape.kvBlocks ?? 0);
  const { objectives, prefixCache } = shape;
  const count = steps.endMs.length;
  return {
    seed,
    summary: summarizeServing(collector, { objectives, prefixCache, cdfSteps: CDF_STEPS }),
    series: collector.series.series(),
    requests: requestColumns(collector.times, table.size),
    basis: { measured: count, interpolated: 0, extrapolated: 0, assumed: 0 },
    tiers: [],
  };
}

/** What the summaries of a point are computed with. */
export function shapeOf(
  point: Pick<ServePoint, 'kvBlocks' | 'blockSize' | 'backend'>,
  scenario: { readonly objectives: ServingObjectives; readonly engine: { readonly prefixCaching: boolean } },
): ServedShape {
  return {
    kvBlocks: point.kvBlocks,
    blockSize: point.blockSize,
    objectives: scenario.objectives,
    prefixCache: scenario.engine.prefixCaching && point.backend === 'paged',
  };
}
