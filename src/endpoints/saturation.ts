/** Whether a point of a sweep is past what the server can do: more fails, or more load brings no more output. */
import { summarizeLoad } from '../core/metrics/load/summary.ts';
import type { LoadPoint } from '../core/run/load.ts';
import type { LoadScenario, LoadSweep } from '../core/scenario/load/schema.ts';

interface Reached {
  readonly tokensPerSecond: number;
  readonly failedPercent: number;
}

function reached({ repetitions }: LoadPoint, scenario: LoadScenario): Reached {
  const all = repetitions.map(({ measured }) => summarizeLoad(measured, scenario.objectives));
  const rates = all.map(({ summary }) => summary.outputTokensPerSecond);
  const requests = all.reduce((sum, { summary }) => sum + summary.requests, 0);
  const failed = all.reduce((sum, point) => sum + point.failed, 0);
  return {
    tokensPerSecond: rates.reduce((sum, rate) => sum + rate, 0) / Math.max(1, rates.length),
    failedPercent: requests === 0 ? 0 : (100 * failed) / requests,
  };
}

/** Why the server counts as saturated at `point`; null where it does not. */
export function saturation(
  scenario: LoadScenario,
  sweep: LoadSweep | null,
  before: LoadPoint | null,
  point: LoadPoint,
): string | null {
  if (sweep === null || sweep.stop === null) return null;
  const { gainPercent, errorPercent } = sweep.stop;
  const now = reached(point, scenario);
  if (now.failedPercent > errorPercent) {
    return `Saturated at ${point.label}: ${now.failedPercent.toFixed(1)} % of the requests failed, more than the ${errorPercent} % of sweep.stop.`;
  }
  if (before === null || before.status !== 'done') return null;
  const then = reached(before, scenario);
  const gain = then.tokensPerSecond === 0 ? Infinity : 100 * (now.tokensPerSecond / then.tokensPerSecond - 1);
  return gain < gainPercent
    ? `Saturated at ${point.label}: ${now.tokensPerSecond.toFixed(1)} output tok/s, a change of ${gain.toFixed(1)} % from ${before.label}, where sweep.stop asks for ${gainPercent} % more.`
    : null;
}
