/**
 * The access profile of a cache: heat map, reuse distances, hit rate, miss-ratio curves, and a summary in numbers. All
 * of it follows from a log (accesses-log.ts); each metric is defined here once, and figures and files read these words.
 */
import { heatMap, hitRateOverTime, type AccessHeatMap, type HitRateOverTime } from './accesses-heatmap.ts';
import type { AccessLog } from './accesses-log.ts';
import { missRatioCurves, type MissRatioCurves, type MissRatioOptions } from './accesses-missratio.ts';
import { reuseDistances, reuseHistogram, type ReuseHistogram } from './accesses-reuse.ts';

export const ACCESS_DEFINITIONS = {
  heatmap: 'Accesses to the blocks of a row within the time of a column.',
  hitRate: 'Accesses that the cache had, over all accesses within a span of time.',
  reuse: 'Reuse distance: other blocks that were used since the block’s last use; a first use has none.',
  missRatio:
    'Miss ratio at a size: accesses that a cache of so many blocks would not have, over all. LRU from reuse distances, the others replayed.',
} as const;

export const ACCESS_PROFILE_TYPES = ['heatmap', 'reuse', 'missratio', 'all'] as const;
export type AccessProfileType = (typeof ACCESS_PROFILE_TYPES)[number];

export interface AccessSummary {
  readonly accesses: number;
  readonly hits: number;
  readonly misses: number;
  readonly hitRatio: number;
  /** Distinct blocks: the misses of a cache that forgets nothing. */
  readonly blocks: number;
  /** Hits that a cache which forgets nothing would have, over all accesses. */
  readonly unboundedHitRatio: number;
  /** Blocks that were used once. */
  readonly blocksUsedOnce: number;
  /** Share of the accesses that go to the tenth of the blocks that are used most. */
  readonly topTenthShare: number;
  /** Median and 90th percentile of the reuse distance, in blocks; null where no block is used twice. */
  readonly medianReuseDistance: number | null;
  readonly p90ReuseDistance: number | null;
  /** From the first access to the last, in the log's unit. */
  readonly duration: number;
  readonly timeUnit: AccessLog['timeUnit'];
}

export interface AccessProfile {
  readonly summary: AccessSummary;
  readonly heatmap?: AccessHeatMap;
  readonly hitRate?: HitRateOverTime;
  readonly reuse?: ReuseHistogram;
  readonly missRatio?: MissRatioCurves;
}

export function accessSummary(log: AccessLog): AccessSummary {
  return summaryOf(log, reuseHistogram(reuseDistances(log.block)));
}

/** @param type what beside the summary; `all` is everything, `summary` nothing */
export function accessProfile(
  log: AccessLog,
  type: AccessProfileType | 'summary' = 'all',
  options: MissRatioOptions = {},
): AccessProfile {
  const reuse = reuseHistogram(reuseDistances(log.block));
  const wants = (one: AccessProfileType): boolean => type === 'all' || type === one;
  return {
    summary: summaryOf(log, reuse),
    ...(wants('heatmap') ? { heatmap: heatMap(log), hitRate: hitRateOverTime(log) } : {}),
    ...(wants('reuse') ? { reuse } : {}),
    ...(wants('missratio') ? { missRatio: missRatioCurves(log, options) } : {}),
  };
}

function summaryOf(log: AccessLog, reuse: ReuseHistogram): AccessSummary {
  const accesses = log.block.length;
  const blocks = log.names.length;
  const uses = new Int32Array(blocks);
  let hits = 0;
  for (let at = 0; at < accesses; at++) {
    const block = log.block[at] ?? 0;
    uses[block] = (uses[block] ?? 0) + 1;
    hits += log.hit[at] ?? 0;
  }
  const once = uses.reduce((sum, count) => sum + (count === 1 ? 1 : 0), 0);
  const top = uses.sort().subarray(blocks - Math.ceil(blocks / 10));
  const ratio = (count: number): number => (accesses === 0 ? 0 : count / accesses);
  return {
    accesses,
    hits,
    misses: accesses - hits,
    hitRatio: ratio(hits),
    blocks,
    unboundedHitRatio: ratio(accesses - blocks),
    blocksUsedOnce: once,
    topTenthShare: ratio(top.reduce((sum, count) => sum + count, 0)),
    medianReuseDistance: reuse.median,
    p90ReuseDistance: reuse.p90,
    duration: (log.time.at(-1) ?? 0) - (log.time[0] ?? 0),
    timeUnit: log.timeUnit,
  };
}
