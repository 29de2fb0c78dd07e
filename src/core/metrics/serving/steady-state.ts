/**
 * Where a run reaches its steady state: the mean number of requests in the system over equal spans of time, from the
 * first arrival to the last. What comes before is cut by MSER-5; the rest is steady when as many requests leave as
 * arrive and the number in the system has no trend.
 */
import { linearFit } from '../fits.ts';
import { mean } from '../percentiles.ts';
import { batchMeans, mser5Truncation } from '../steady.ts';

/** Spans of time, in fives for MSER-5. */
const SPANS = 400;
/** Batches whose means count as independent when a trend is looked for. */
const BATCHES = 20;
/** Fewer arrivals than this say nothing about a state. */
const MIN_REQUESTS = 50;

export interface SteadyState {
  /** Null where none was found. */
  readonly fromMs: number | null;
  /** More arrives than leaves, so that no longer run would find one. */
  readonly growing: boolean;
  readonly sentence: string;
}

/** When requests came and when they ended; NaN where they did not. */
export interface Passages {
  readonly arrivalMs: Float64Array;
  readonly endMs: Float64Array;
}

interface Load {
  readonly firstMs: number;
  readonly lastMs: number;
  /** Mean requests in the system in each span. */
  readonly inSystem: readonly number[];
}

function none(growing: boolean, sentence: string): SteadyState {
  return { fromMs: null, growing, sentence };
}

/** Requests in the system over time, or null where all arrive at once or too few do. */
function loadOf({ arrivalMs, endMs }: Passages): Load | null {
  let [firstMs, lastMs, arrived] = [Infinity, -Infinity, 0];
  for (const ms of arrivalMs) {
    if (Number.isNaN(ms)) continue;
    arrived++;
    if (ms < firstMs) firstMs = ms;
    if (ms > lastMs) lastMs = ms;
  }
  if (arrived < MIN_REQUESTS || !(lastMs > firstMs)) return null;
  const width = (lastMs - firstMs) / SPANS;
  // A request adds its share of the spans in which it comes and goes, and 1 to those between.
  const partial = new Float64Array(SPANS + 1);
  const step = new Float64Array(SPANS + 2);
  for (let row = 0; row < arrivalMs.length; row++) {
    const from = arrivalMs[row] ?? NaN;
    if (Number.isNaN(from)) continue;
    const end = endMs[row] ?? NaN;
    const x = (from - firstMs) / width;
    const y = Number.isNaN(end) ? SPANS : Math.min(SPANS, (end - firstMs) / width);
    const [a, b] = [Math.min(SPANS - 1, Math.floor(x)), Math.min(SPANS - 1, Math.floor(y))];
    if (a === b) partial[a] = (partial[a] ?? 0) + (y - x);
    else {
      partial[a] = (partial[a] ?? 0) + (a + 1 - x);
      partial[b] = (partial[b] ?? 0) + (y - b);
      step[a + 1] = (step[a + 1] ?? 0) + 1;
      step[b] = (step[b] ?? 0) - 1;
    }
  }
  let inside = 0;
  const inSystem = Array.from({ length: SPANS }, (_, i) => (inside += step[i] ?? 0) + (partial[i] ?? 0));
  return { firstMs, lastMs, inSystem };
}

/** Requests that arrive and that leave between two times. */
function flow({ arrivalMs, endMs }: Passages, fromMs: number, toMs: number): { in: number; out: number } {
  let [arriving, leaving] = [0, 0];
  for (const ms of arrivalMs) if (ms >= fromMs && ms <= toMs) arriving++;
  for (const ms of endMs) if (ms >= fromMs && ms <= toMs) leaving++;
  return { in: arriving, out: leaving };
}

/** Slope of the number in the system, in requests a span, as an interval. */
function trend(samples: readonly number[]): { low: number; high: number } | null {
  const batches = Math.min(BATCHES, Math.floor(samples.length / 2));
  if (batches < 4) return null;
  const { means } = batchMeans(samples, batches);
  const size = Math.floor(samples.length / batches);
  return linearFit(means.map((y, i) => ({ x: i * size, y })))?.slopeInterval ?? null;
}

/** Whether the number in the system rises by a tenth of its mean or more, and by one request at least. */
function grows(samples: readonly number[]): boolean {
  const slope = trend(samples);
  return slope !== null && slope.low * samples.length > Math.max(1, 0.1 * mean(samples));
}

/** Steady state of a run. */
export function steadyState(times: Passages): SteadyState {
  const load = loadOf(times);
  if (load === null) {
    return none(false, `No steady state can be told: fewer than ${MIN_REQUESTS} requests, or all at once.`);
  }
  const { firstMs, lastMs, inSystem } = load;
  const cut = mser5Truncation(inSystem);
  const late = cut >= SPANS / 2;
  const from = late ? 0 : cut;
  const fromMs = firstMs + ((lastMs - firstMs) * from) / SPANS;
  const { in: arriving, out: leaving } = flow(times, fromMs, lastMs);
  // Three standard deviations of a Poisson count, or a twentieth, may be on their way.
  const allowed = Math.max(3 * Math.sqrt(arriving), arriving / 20);
  if (grows(inSystem.slice(from)) || (!late && arriving - leaving > allowed)) {
    return none(
      true,
      `No steady state: ${arriving} requests arrive and ${leaving} leave, so the queue grows; lower the rate.`,
    );
  }
  if (late)
    return none(false, 'No steady state was found: the load still changes in the second half; run longer.');
  return {
    fromMs,
    growing: false,
    sentence: `Steady from ${(fromMs / 1000).toFixed(1)} s on (MSER-5; ${arriving} requests arrive there, ${leaving} leave).`,
  };
}
