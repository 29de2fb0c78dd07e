/** A run's summary and columns, put together from what the collector kept. Definitions: ../definitions.ts. */
import type { SimRequests, SimSummary } from '../../run/simulation.ts';
import { timePerOutputToken } from '../requests.ts';
import type { ServingCollector } from './collector.ts';
import { distributionOf } from './distribution.ts';
import type { RequestTimes } from './request-times.ts';
import { steadyState } from './steady-state.ts';

export interface ServingObjectives {
  readonly ttftMs: number | null;
  readonly tpotMs: number | null;
  readonly e2eMs: number | null;
}

export interface SummaryOptions {
  readonly objectives: ServingObjectives;
  /** False where there is no prefix cache and so no hit ratio. */
  readonly prefixCache: boolean;
  /** Equal steps of the quantiles that are kept of each distribution. */
  readonly cdfSteps: number;
}

/** Sums over finished requests. */
interface Finished {
  readonly rows: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** That met every objective. */
  readonly good: number;
  /** That met each objective. */
  readonly within: { readonly ttftMs: number; readonly tpotMs: number; readonly e2eMs: number };
  readonly firstArrivalMs: number;
  readonly lastEndMs: number;
}

function hasObjectives({ ttftMs, tpotMs, e2eMs }: ServingObjectives): boolean {
  return ttftMs !== null || tpotMs !== null || e2eMs !== null;
}

function finishedOf(times: RequestTimes, objectives: ServingObjectives): Finished {
  const { arrivalMs, firstTokenMs, endMs, table } = times;
  const most = {
    ttft: objectives.ttftMs ?? Infinity,
    tpot: objectives.tpotMs ?? Infinity,
    e2e: objectives.e2eMs ?? Infinity,
  };
  let [rows, promptTokens, outputTokens, good] = [0, 0, 0, 0];
  const within = { ttftMs: 0, tpotMs: 0, e2eMs: 0 };
  let [firstArrivalMs, lastEndMs] = [Infinity, -Infinity];
  for (let row = 0; row < table.size; row++) {
    const arrival = arrivalMs[row] ?? NaN;
    if (arrival < firstArrivalMs) firstArrivalMs = arrival;
    const end = endMs[row] ?? NaN;
    if (Number.isNaN(end)) continue;
    const outputs = times.outputs(row);
    const ttft = (firstTokenMs[row] ?? NaN) - arrival;
    rows++;
    promptTokens += table.promptTokens[row] ?? 0;
    outputTokens += outputs;
    if (end > lastEndMs) lastEndMs = end;
    const e2e = end - arrival;
    const inTtft = ttft <= most.ttft;
    const inTpot = timePerOutputToken(e2e, ttft, outputs) <= most.tpot;
    const inE2e = e2e <= most.e2e;
    if (inTtft) within.ttftMs++;
    if (inTpot) within.tpotMs++;
    if (inE2e) within.e2eMs++;
    if (inTtft && inTpot && inE2e) good++;
  }
  return { rows, promptTokens, outputTokens, good, within, firstArrivalMs, lastEndMs };
}

/** Counts of the objectives that are set. */
function withinEach({ within }: Finished, { ttftMs, tpotMs, e2eMs }: ServingObjectives) {
  return {
    ttftMs: ttftMs === null ? null : within.ttftMs,
    tpotMs: tpotMs === null ? null : within.tpotMs,
    e2eMs: e2eMs === null ? null : within.e2eMs,
  };
}

/** Fills `into` with a value of each finished request that has one; how many. */
function collect(times: RequestTimes, into: Float64Array, of: (row: number) => number): number {
  let count = 0;
  for (let row = 0; row < times.table.size; row++) {
    const value = of(row);
    if (!Number.isNaN(value)) into[count++] = value;
  }
  return count;
}

/** TTFT, TPOT, E2E and queue time, one after another through the same scratch array. */
function requestDistributions(times: RequestTimes, cdfSteps: number) {
  const { arrivalMs, startMs, firstTokenMs, endMs } = times;
  const scratch = new Float64Array(times.table.size);
  const at = (column: Float64Array, row: number): number => column[row] ?? NaN;
  const distribution = (of: (row: number) => number) =>
    distributionOf(scratch, collect(times, scratch, of), cdfSteps);
  return {
    ttftMs: distribution((row) => at(firstTokenMs, row) - at(arrivalMs, row)),
    // A single token has no time between tokens; a 0 in its place would only pull percentiles down.
    tpotMs: distribution((row) =>
      times.outputs(row) > 1 ? (at(endMs, row) - at(firstTokenMs, row)) / (times.outputs(row) - 1) : NaN,
    ),
    e2eMs: distribution((row) => at(endMs, row) - at(arrivalMs, row)),
    queueMs: distribution((row) => at(startMs, row) - at(arrivalMs, row)),
  };
}

function ratio(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}

export function summarizeServing(collector: ServingCollector, options: SummaryOptions): SimSummary {
  const { times, totals, gaps, usage } = collector;
  const finished = finishedOf(times, options.objectives);
  const durationMs = Math.max(0, finished.rows === 0 ? 0 : finished.lastEndMs - finished.firstArrivalMs);
  const perSecond = (count: number): number => ratio(1000 * count, durationMs);
  const judged = hasObjectives(options.objectives) && finished.rows > 0;
  const blocks = usage.totals();
  const itlMs = gaps.distribution(options.cdfSteps);
  return {
    requests: times.table.size,
    finished: finished.rows,
    durationMs,
    ...requestDistributions(times, options.cdfSteps),
    itlMs,
    ...(gaps.tailMean === null ? {} : { tbtMs: gaps.tailMean }),
    promptTokensPerSecond: perSecond(finished.promptTokens),
    outputTokensPerSecond: perSecond(finished.outputTokens),
    requestsPerSecond: perSecond(finished.rows),
    goodput: judged ? perSecond(finished.good) : null,
    attainment: judged ? finished.good / finished.rows : null,
    ...(judged ? { withinObjective: withinEach(finished, options.objectives) } : {}),
    prefixHitRatio: options.prefixCache ? ratio(totals.hitTokens, totals.lookedUpTokens) : null,
    preemptions: totals.preemptions,
    recomputedTokens: totals.recomputedTokens,
    steps: totals.steps,
    meanBatch: ratio(totals.sequences, totals.steps),
    kvBlocks: blocks.kvBlocks,
    peakKvBlocks: blocks.peakActiveBlocks,
    meanKvBlocks: ratio(blocks.activeBlockMs, durationMs),
    fragmentation: ratio(blocks.wastedBlockMs, blocks.activeBlockMs),
    steadyFromMs: steadyState(times).fromMs,
  };
}

/** The first `maxRows` requests as columns; null where something did not happen. */
export function requestColumns(times: RequestTimes, maxRows: number): SimRequests {
  const { table } = times;
  const size = Math.min(table.size, maxRows);
  const ms = (column: Float64Array): (number | null)[] =>
    Array.from(column.subarray(0, size), (value) => (Number.isNaN(value) ? null : value));
  const counts = (column: Int32Array | Uint16Array): number[] => Array.from(column.subarray(0, size));
  const ifStarted = (column: Int32Array | Uint16Array): (number | null)[] =>
    Array.from(column.subarray(0, size), (value, row) =>
      Number.isNaN(times.startMs[row] ?? NaN) ? null : value,
    );
  return {
    total: table.size,
    arrivalMs: ms(times.arrivalMs),
    startMs: ms(times.startMs),
    firstTokenMs: ms(times.firstTokenMs),
    endMs: ms(times.endMs),
    promptTokens: counts(table.promptTokens),
    outputTokens: counts(table.outputTokens),
    cachedTokens: ifStarted(times.cachedTokens),
    preemptions: counts(times.preemptions),
    replica: ifStarted(times.replica),
  };
}
