/** Limits of times, and whether they are kept. */
import type { Served, Server } from './queue.ts';
import type { PlanSubject } from './types.ts';

/** Milliseconds that nobody minds to wait in a queue. */
const SHORT_MS = 1000;

/**
 * Longest mean time to the first token where no limit of it was asked for: a prompt that waits longer than its own prefill
 * takes, and than a second, stands in a queue that one more replica would end. (assumed)
 */
export function patientMs({ speed, load }: Server, { batch }: Pick<Served, 'batch'>): number {
  const own = speed.steadyTtftMs(Math.max(1, batch), load);
  return own + Math.max(SHORT_MS, own);
}

/** Whether the times are within the limits. */
export function withinLimits({ scenario }: PlanSubject, served: Served, outputTokens: number): boolean {
  return limitBroken(scenario.constraints, served, outputTokens) === null;
}

/** Which limit of times is broken, in words; null: none. */
export function limitBroken(
  { ttftMs, tpotMs, e2eMs, percentile }: PlanSubject['scenario']['constraints'],
  served: Served,
  outputTokens: number,
): string | null {
  const p = `p${Math.round(percentile * 1000) / 10}`;
  if (ttftMs !== null && served.ttftTailMs > ttftMs) {
    return `TTFT ${p} is ${Math.round(served.ttftTailMs)} ms, over the ${ttftMs} asked for`;
  }
  if (tpotMs !== null && served.tpotTailMs > tpotMs) {
    return `TPOT ${p} is ${served.tpotTailMs.toFixed(1)} ms, over the ${tpotMs} asked for`;
  }
  const whole = served.ttftTailMs + Math.max(0, outputTokens - 1) * served.tpotTailMs;
  return e2eMs !== null && whole > e2eMs
    ? `an answer takes ${Math.round(whole)} ms at ${p}, over the ${e2eMs} asked for`
    : null;
}

/** By how much the times are over the limits, as a share of the limit that is furthest off; below 0: they keep them. */
export function excess(
  { ttftMs, tpotMs, e2eMs }: PlanSubject['scenario']['constraints'],
  { ttftTailMs, tpotTailMs }: Pick<Served, 'ttftTailMs' | 'tpotTailMs'>,
  outputTokens: number,
): number {
  const whole = ttftTailMs + Math.max(0, outputTokens - 1) * tpotTailMs;
  const over = (value: number, limit: number | null): number => (limit === null ? -1 : value / limit - 1);
  return Math.max(over(ttftTailMs, ttftMs), over(tpotTailMs, tpotMs), over(whole, e2eMs));
}
