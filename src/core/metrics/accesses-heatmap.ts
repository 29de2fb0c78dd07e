/** Accesses over time and blocks, counted in a grid; and the hit rate over time. */
import type { AccessLog } from './accesses-log.ts';

export interface AccessHeatMap {
  /** Edges of the columns, one more than there are; the last one is included in its column. */
  readonly timeEdges: readonly number[];
  /** Edges of the rows, in block numbers; one more than there are. */
  readonly blockEdges: readonly number[];
  /** Accesses by row, then column. */
  readonly counts: readonly (readonly number[])[];
  /** Those of them that the cache had. */
  readonly hits: readonly (readonly number[])[];
}

export interface HeatMapBins {
  readonly time?: number;
  readonly block?: number;
}

const TIME_BINS = 60;
const BLOCK_BINS = 40;

export function heatMap(log: AccessLog, bins: HeatMapBins = {}): AccessHeatMap {
  const blockEdges = edges(0, log.names.length, Math.min(bins.block ?? BLOCK_BINS, log.names.length), true);
  const timeEdges = timeEdgesOf(log, bins.time ?? TIME_BINS);
  const [rows, columns] = [blockEdges.length - 1, timeEdges.length - 1];
  const empty = (): number[][] => Array.from({ length: rows }, () => new Array<number>(columns).fill(0));
  const [counts, hits] = [empty(), empty()];
  const columnOf = binFinder(timeEdges);
  const rowOf = binFinder(blockEdges);
  for (let at = 0; at < log.block.length; at++) {
    const [row, column] = [rowOf(log.block[at] ?? 0), columnOf(log.time[at] ?? 0)];
    addTo(counts[row], column, 1);
    addTo(hits[row], column, log.hit[at] ?? 0);
  }
  return { timeEdges, blockEdges, counts, hits };
}

export interface HitRateOverTime {
  readonly timeEdges: readonly number[];
  readonly accesses: readonly number[];
  readonly hits: readonly number[];
}

export function hitRateOverTime(log: AccessLog, bins = TIME_BINS): HitRateOverTime {
  const timeEdges = timeEdgesOf(log, bins);
  const accesses = new Array<number>(timeEdges.length - 1).fill(0);
  const hits = [...accesses];
  const columnOf = binFinder(timeEdges);
  log.time.forEach((time, at) => {
    addTo(accesses, columnOf(time), 1);
    addTo(hits, columnOf(time), log.hit[at] ?? 0);
  });
  return { timeEdges, accesses, hits };
}

function addTo(row: number[] | undefined, at: number, value: number): void {
  if (row) row[at] = (row[at] ?? 0) + value;
}

/** One column where all accesses have the same time. */
function timeEdgesOf({ time }: AccessLog, bins: number): number[] {
  const [from, to] = [time[0] ?? 0, time.at(-1) ?? 0];
  return to > from ? edges(from, to, Math.min(bins, time.length), false) : [from, from];
}

function edges(from: number, to: number, count: number, whole: boolean): number[] {
  return Array.from({ length: count + 1 }, (_, i) => {
    const edge = from + ((to - from) * i) / count;
    return whole ? Math.round(edge) : edge;
  });
}

/** The bin that holds a value; a value at an edge belongs to the bin behind it, the last edge to the last bin. */
function binFinder(sorted: readonly number[]): (value: number) => number {
  const last = sorted.length - 2;
  return (value) => {
    let [low, high] = [0, last];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((sorted[middle] ?? 0) <= value) low = middle;
      else high = middle - 1;
    }
    return low;
  };
}
