/**
 * How many finished requests kept one objective: counted by the run, or from its requests where it keeps them all. An
 * older, longer run has quantiles only; what those leave open is said with "about".
 */
import { timePerOutputToken } from '../../../core/metrics/requests.ts';
import type { SimDistribution, SimRepetition, SimRequests } from '../../../core/run/simulation.ts';
import { formatNumber, formatValue } from '../../format.ts';

export type Objective = 'ttftMs' | 'tpotMs' | 'e2eMs';

export interface Within {
  /** Share of finished requests. */
  readonly share: number;
  readonly finished: number;
  /** null where only quantiles are known. */
  readonly count: number | null;
}

/** Over all repetitions; null where nothing finished. */
export function withinObjective(
  repetitions: readonly SimRepetition[],
  of: Objective,
  limit: number,
): Within | null {
  const finished = repetitions.reduce((sum, { summary }) => sum + summary.finished, 0);
  if (finished === 0) return null;
  const counts = repetitions.map((repetition) => countWithin(repetition, of, limit));
  const known = counts.flatMap((count) => count ?? []);
  if (known.length === counts.length) {
    const count = known.reduce((sum, one) => sum + one, 0);
    return { share: count / finished, finished, count };
  }
  const about = repetitions.reduce(
    (sum, { summary }, i) => sum + (counts[i] ?? shareRead(summary[of], limit) * summary.finished),
    0,
  );
  // Who meets every objective meets this one.
  const good = repetitions.reduce(
    (sum, { summary }) => sum + (summary.attainment ?? 0) * summary.finished,
    0,
  );
  return { share: Math.max(about, good) / finished, finished, count: null };
}

/** `48 of 600 finished requests (8 %)`, or `about 8 % of 90,000 finished requests`. */
export function withinWords({ share, finished, count }: Within): string {
  const all = `${formatNumber(finished)} finished requests`;
  if (count === null) {
    return `about ${formatValue(Math.round(100 * share) / 100, 'share')} of ${all}`;
  }
  return count === finished
    ? `all ${all}`
    : `${formatNumber(count)} of ${all} (${formatValue(share, 'share')})`;
}

function countWithin({ summary, requests }: SimRepetition, of: Objective, limit: number): number | null {
  const counted = summary.withinObjective?.[of] ?? null;
  if (counted !== null) return counted;
  const values = summary[of];
  if (summary.finished === 0) return 0;
  if (requests.total === requests.arrivalMs.length) return countOf(requests, of, limit);
  // All or none of the values leaves nothing open.
  if (values !== null && values.max <= limit) return summary.finished;
  return values !== null && of !== 'tpotMs' && values.min > limit ? 0 : null;
}

function countOf(requests: SimRequests, of: Objective, limit: number): number {
  return requests.endMs.filter((end, row) => {
    const [arrival, first] = [requests.arrivalMs[row] ?? null, requests.firstTokenMs[row] ?? null];
    if (end === null || arrival === null || first === null) return false;
    const [e2eMs, ttftMs] = [end - arrival, first - arrival];
    const tpotMs = timePerOutputToken(e2eMs, ttftMs, requests.outputTokens[row] ?? 0);
    return { ttftMs, tpotMs, e2eMs }[of] <= limit;
  }).length;
}

/** The share at the last quantile that keeps the limit: what lies between two is not known. */
function shareRead(distribution: SimDistribution | null, limit: number): number {
  const quantiles = distribution?.quantiles ?? [];
  const above = quantiles.findIndex((value) => value > limit);
  if (above < 0) return 1;
  return Math.max(0, above - 1) / Math.max(1, quantiles.length - 1);
}
