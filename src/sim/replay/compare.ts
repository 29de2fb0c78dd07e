/**
 * Predicted beside measured: latencies and series, by the same definitions on both sides.
 *
 * Times count from when the engine queued a request, as the recording does. A request with one output token has no time
 * per output token and is left out of that distribution.
 */
import { timePerOutputToken } from '../../core/metrics/requests.ts';
import { percentileOfSorted } from '../../core/metrics/percentiles.ts';
import type {
  LatencySummary,
  ReplayLatencies,
  ReplayMetric,
  ReplaySamples,
  ReplaySeries,
  ReplaySeriesName,
} from '../../core/run/replay.ts';
import type { RecordedRequest, RecordedTick } from './recorded.ts';
import type { EngineRun, EngineStates } from './engine.ts';

/** One request on either side, milliseconds; null where it did not end. */
export interface RequestTimes {
  readonly queuedMs: number;
  readonly firstTokenMs: number;
  readonly endMs: number;
  readonly outputTokens: number;
}

export function measuredTimes(recorded: readonly RecordedRequest[]): (RequestTimes | null)[] {
  return recorded.map(({ queued, firstToken, lastToken, outputTokens }) =>
    queued === null || firstToken === null || lastToken === null
      ? null
      : { queuedMs: queued * 1000, firstTokenMs: firstToken * 1000, endMs: lastToken * 1000, outputTokens },
  );
}

export function predictedTimes({ times }: EngineRun, outputTokens: Int32Array): (RequestTimes | null)[] {
  return Array.from(outputTokens, (tokens, row) => {
    const endMs = times.endMs[row] ?? NaN;
    if (Number.isNaN(endMs)) return null;
    const { queuedMs, firstTokenMs } = times;
    return {
      queuedMs: queuedMs[row] ?? 0,
      firstTokenMs: firstTokenMs[row] ?? 0,
      endMs,
      outputTokens: tokens,
    };
  });
}

/** Of the requests that ended on both sides. */
export function samplesOf(side: readonly (RequestTimes | null)[], other: readonly unknown[]): ReplaySamples {
  const samples: Record<ReplayMetric, number[]> = { ttftMs: [], tpotMs: [], e2eMs: [] };
  side.forEach((request, row) => {
    if (request === null || other[row] === null) return;
    const ttft = request.firstTokenMs - request.queuedMs;
    const e2e = request.endMs - request.queuedMs;
    samples.ttftMs.push(ttft);
    samples.e2eMs.push(e2e);
    if (request.outputTokens > 1) samples.tpotMs.push(timePerOutputToken(e2e, ttft, request.outputTokens));
  });
  for (const values of Object.values(samples)) values.sort((a, b) => a - b);
  return samples;
}

function summaryOf(sorted: readonly number[]): LatencySummary {
  if (sorted.length === 0) return { mean: 0, p50: 0, p90: 0, p95: 0, p99: 0 };
  return {
    mean: sorted.reduce((sum, x) => sum + x, 0) / sorted.length,
    p50: percentileOfSorted(sorted, 50),
    p90: percentileOfSorted(sorted, 90),
    p95: percentileOfSorted(sorted, 95),
    p99: percentileOfSorted(sorted, 99),
  };
}

export function latenciesOf({ ttftMs, tpotMs, e2eMs }: ReplaySamples): ReplayLatencies {
  return { ttftMs: summaryOf(ttftMs), tpotMs: summaryOf(tpotMs), e2eMs: summaryOf(e2eMs) };
}

export function errorPercent(predicted: number, measured: number): number {
  return measured === 0 ? 0 : 100 * (predicted / measured - 1);
}

export function latencyErrors(predicted: ReplayLatencies, measured: ReplayLatencies): ReplayLatencies {
  const of = (metric: ReplayMetric): LatencySummary => {
    const [p, m] = [predicted[metric], measured[metric]];
    return {
      mean: errorPercent(p.mean, m.mean),
      p50: errorPercent(p.p50, m.p50),
      p90: errorPercent(p.p90, m.p90),
      p95: errorPercent(p.p95, m.p95),
      p99: errorPercent(p.p99, m.p99),
    };
  };
  return { ttftMs: of('ttftMs'), tpotMs: of('tpotMs'), e2eMs: of('e2eMs') };
}

/** Candidate offsets of the recorder's clock within one tick. */
const OFFSETS = 200;

/**
 * Seconds between the recorder's clock and the first queued request. Nobody wrote it down, but requests in the engine,
 * running or waiting, are known twice: from the ticks, and by counting requests queued and ended. The last tick that is
 * written holds the last request's end, which leaves one tick of choice; the offset in it with the least difference wins.
 */
export function clockOffsetSeconds(
  ticks: readonly RecordedTick[],
  requests: readonly (RequestTimes | null)[],
  tickSeconds: number,
): number {
  const ended = requests.filter((request) => request !== null);
  const origin = ended.reduce((least, { queuedMs }) => Math.min(least, queuedMs), Infinity);
  const queued = Float64Array.from(ended, ({ queuedMs }) => (queuedMs - origin) / 1000).sort();
  const ends = Float64Array.from(ended, ({ endMs }) => (endMs - origin) / 1000).sort();
  const latest = (ticks.at(-1)?.t ?? 0) - (ends.at(-1) ?? 0);
  let best = { offset: latest, difference: Infinity };
  for (let i = 0; i <= OFFSETS; i++) {
    const offset = latest - (i / OFFSETS) * tickSeconds;
    const difference = ticks.reduce((sum, { t, running, waiting }) => {
      const within = countUpTo(queued, t - offset) - countUpTo(ends, t - offset);
      return sum + Math.abs(within - running - waiting);
    }, 0);
    if (difference < best.difference) best = { offset, difference };
  }
  return best.offset;
}

/** Sorted values that are not above x. */
function countUpTo(sorted: Float64Array, x: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}

type Column = Exclude<keyof EngineStates, 'timeMs'>;

const COLUMNS: Readonly<
  Record<ReplaySeriesName, { column: Column; of: (tick: RecordedTick) => number | null }>
> = {
  running: { column: 'running', of: ({ running }) => running },
  waiting: { column: 'waiting', of: ({ waiting }) => waiting },
  kvUsagePercent: { column: 'usedBlocks', of: ({ kvUsagePercent }) => kvUsagePercent },
};

/**
 * A recorded series and the simulated one at the same times; undefined when it was not recorded.
 * @param scale what a simulated value is multiplied with
 */
export function seriesOf(
  name: ReplaySeriesName,
  ticks: readonly RecordedTick[],
  offsetSeconds: number,
  states: EngineStates,
  scale: number,
): ReplaySeries | undefined {
  const { column, of } = COLUMNS[name];
  const recorded = ticks.map(of);
  if (ticks.length === 0 || recorded.includes(null)) return undefined;
  const times = Float64Array.from(states.timeMs);
  const timeSeconds = ticks.map(({ t }) => t - offsetSeconds);
  const measured = recorded.map((value) => value ?? 0);
  const predicted = timeSeconds.map((seconds) => {
    const steps = countUpTo(times, seconds * 1000);
    return steps === 0 ? 0 : (states[column][steps - 1] ?? 0) * scale;
  });
  const difference = predicted.reduce((sum, value, i) => sum + Math.abs(value - (measured[i] ?? 0)), 0);
  const total = measured.reduce((sum, value) => sum + value, 0);
  return {
    timeSeconds,
    measured,
    predicted,
    meanAbsoluteError: difference / measured.length,
    errorPercent: total === 0 ? 0 : (100 * difference) / total,
  };
}
