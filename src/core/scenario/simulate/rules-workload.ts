/** Impossible workloads, each in one sentence with the wrong number and the nearest that works. */
import { createRandom } from '../../random.ts';
import { arrivalGaps } from '../../workload/arrivals.ts';
import { lengthDraws, lengthRange, type Lengths } from '../../workload/lengths.ts';
import { groupShape } from '../../workload/request-groups.ts';
import type { ArrivalSettings, SimScenario, SimWorkload } from './schema.ts';

/** Requests of all points and repetitions of one run. */
export const MAX_TOTAL_REQUESTS = 100_000_000;
/** Lengths that a Zipf table holds. */
const MAX_ZIPF_LENGTHS = 1_000_000;

/** What is wrong with a distribution of lengths, or null. */
export function lengthContradiction(path: string, lengths: Lengths): string | null {
  if (lengths.kind === 'zipf' && lengths.max - lengths.min >= MAX_ZIPF_LENGTHS) {
    return `${path} has ${lengths.max - lengths.min + 1} lengths by Zipf; the most is ${MAX_ZIPF_LENGTHS}: set max to ${lengths.min + MAX_ZIPF_LENGTHS - 1}.`;
  }
  return sentenceOf(path, () => lengthDraws(lengths, createRandom(0)));
}

function sentenceOf(path: string, attempt: () => unknown): string | null {
  try {
    attempt();
    return null;
  } catch (error) {
    if (error instanceof RangeError) return `${path}: ${error.message}`;
    throw error;
  }
}

const MAX_SWITCHES_PER_REQUEST = 10_000;

function arrivalContradiction(arrivals: ArrivalSettings): string | null {
  if (arrivals.kind === 'mmpp') {
    const { rates, leave } = arrivals;
    const mean = (rates[0] * leave[1] + rates[1] * leave[0]) / (leave[0] + leave[1]);
    if (mean === 0)
      return 'workload.arrivals.rates are 0 and 0; one above 0 is needed for a request to arrive.';
    const most = MAX_SWITCHES_PER_REQUEST * mean;
    const fastest = Math.max(...leave);
    if (fastest > most) {
      return `workload.arrivals.leave is ${fastest} at a mean rate of ${mean}; the most is ${most}: lower it or raise the rates.`;
    }
  }
  if (arrivals.kind === 'series') {
    const falls = arrivals.points.findIndex(([time], i) => time < (arrivals.points[i - 1]?.[0] ?? 0));
    if (falls > 0) {
      const [before, time] = [arrivals.points[falls - 1]?.[0], arrivals.points[falls]?.[0]];
      return `workload.arrivals.points.${falls} is at ${time} s, before the point above it at ${before} s; sort the points by time.`;
    }
  }
  if (arrivals.kind === 'closed') return null;
  return sentenceOf('workload.arrivals', () => arrivalGaps(arrivals, createRandom(0)));
}

/** Requests of all points and repetitions together. */
export function totalContradiction({ workload, repeats }: SimScenario, points: number): string | null {
  const runs = points * repeats;
  if (workload.requests * runs <= MAX_TOTAL_REQUESTS) return null;
  const times = runs === 1 ? '' : ` in each of ${runs} simulations`;
  return `workload.requests is ${workload.requests}${times}; the most is ${MAX_TOTAL_REQUESTS} in all: set ${Math.floor(MAX_TOTAL_REQUESTS / runs)}.`;
}

export function workloadContradiction({ workload }: Pick<SimScenario, 'workload'>): string | null {
  if (workload.trace !== null) return null;
  if (workload.requests === 0) return 'workload.requests is 0; without a trace the least is 1.';
  return (
    arrivalContradiction(workload.arrivals) ??
    lengthContradiction('workload.promptTokens', workload.promptTokens) ??
    lengthContradiction('workload.outputTokens', workload.outputTokens)
  );
}

/** Prompt and output that the longest request of the workload has at the least; 0 where a trace says it. */
export function certainTokens(workload: SimWorkload): { readonly prompt: number; readonly output: number } {
  if (workload.trace !== null) return { prompt: 0, output: 0 };
  const prompt = lengthRange(workload.promptTokens).min;
  const output = lengthRange(workload.outputTokens).min;
  const { sharing } = workload;
  const system = sharing.kind === 'none' ? 0 : sharing.systemTokens;
  const generations = Math.min(deepest(workload), Math.max(1, workload.requests));
  return { prompt: system + generations * prompt + (generations - 1) * output, output };
}

/** Prompt and output that no request of the workload exceeds. */
export function mostTokens(workload: SimWorkload): number {
  const prompt = lengthRange(workload.promptTokens).max;
  const output = lengthRange(workload.outputTokens).max;
  const { sharing } = workload;
  const system = sharing.kind === 'none' ? 0 : sharing.systemTokens;
  const generations = Math.min(deepest(workload), Math.max(1, workload.requests));
  return system + generations * (prompt + output);
}

/** Requests from the first to the last that resend one another's text. */
function deepest({ sharing }: SimWorkload): number {
  return sharing.kind === 'agents' ? sharing.depth : groupShape(sharing).rows;
}
