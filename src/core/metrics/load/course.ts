/**
 * The course of one repetition of a load over time: tokens as they came, requests in flight, latencies as requests ended,
 * and what the server said of itself meanwhile. The same shape is told live while a load goes on and read out of a kept
 * record afterwards. Times are milliseconds from the repetition's start.
 */
import type { FaultKind, LoadRecord, Telemetry } from '../../run/load.ts';

/** One moment: counts since the repetition's start, but for `inFlight`. */
export interface LoadTick {
  readonly atMs: number;
  readonly inFlight: number;
  /** Pieces of text that came. */
  readonly pieces: number;
}

/** A request that is over. */
export interface EndedRequest {
  readonly row: number;
  /** When it was due, which latencies count from. */
  readonly dueMs: number;
  readonly atMs: number;
  readonly ttftMs: number | null;
  /** null: it failed. */
  readonly e2eMs: number | null;
  readonly fault: FaultKind | null;
}

export interface LoadCourse {
  readonly ticks: readonly LoadTick[];
  readonly requests: readonly EndedRequest[];
  readonly telemetry: readonly Telemetry[];
}

export const NO_COURSE: LoadCourse = { ticks: [], requests: [], telemetry: [] };

const TICKS = 120;

export function courseOf(record: LoadRecord): LoadCourse {
  const { requests, faults, telemetry } = record;
  const failed = new Map(faults.filter(({ retried }) => !retried).map((fault) => [fault.row, fault]));
  const ended = requests.arrivalMs.flatMap((due, row): EndedRequest[] => {
    const [end, first] = [requests.endMs[row] ?? null, requests.firstTokenMs[row] ?? null];
    const fault = failed.get(row);
    if (due === null || (end === null && fault === undefined)) return [];
    return [
      {
        row,
        dueMs: due,
        atMs: end ?? fault?.atMs ?? due,
        ttftMs: first === null ? null : first - due,
        e2eMs: end === null ? null : end - due,
        fault: end === null ? (fault?.kind ?? null) : null,
      },
    ];
  });
  return { ticks: ticksOf(record, ended), requests: ended.sort((a, b) => a.atMs - b.atMs), telemetry };
}

/** Even steps over the whole repetition. */
function ticksOf({ requests }: LoadRecord, ended: readonly EndedRequest[]): LoadTick[] {
  const spanMs = ended.reduce((most, { atMs }) => Math.max(most, atMs), 0);
  if (spanMs === 0) return [];
  const pieces = [...requests.chunkMs].sort((a, b) => a - b);
  const sent = requests.sentMs.flatMap((ms) => ms ?? []).sort((a, b) => a - b);
  const over = ended.map(({ atMs }) => atMs).sort((a, b) => a - b);
  const upTo = counter();
  return Array.from({ length: TICKS + 1 }, (_, i) => {
    const atMs = (spanMs * i) / TICKS;
    const begun = upTo('sent', sent, atMs);
    return {
      atMs,
      inFlight: Math.max(0, begun - upTo('over', over, atMs)),
      pieces: upTo('pieces', pieces, atMs),
    };
  });
}

/** How many of a rising list are at most so much; asked with rising bounds. */
function counter() {
  const at = new Map<string, number>();
  return (name: string, sorted: readonly number[], bound: number): number => {
    let i = at.get(name) ?? 0;
    while (i < sorted.length && (sorted[i] ?? Infinity) <= bound) i++;
    at.set(name, i);
    return i;
  };
}

/** Pieces a second between neighbouring ticks, at the later one; over at least `windowMs`, so that few ticks don't jitter. */
export function pieceRates(ticks: readonly LoadTick[], windowMs: number): { atMs: number; rate: number }[] {
  const rates: { atMs: number; rate: number }[] = [];
  let from = 0;
  for (let i = 1; i < ticks.length; i++) {
    const to = ticks[i];
    while (from + 1 < i && (to?.atMs ?? 0) - (ticks[from + 1]?.atMs ?? 0) >= windowMs) from++;
    const before = ticks[from];
    if (to === undefined || before === undefined || to.atMs <= before.atMs) continue;
    rates.push({ atMs: to.atMs, rate: (1000 * (to.pieces - before.pieces)) / (to.atMs - before.atMs) });
  }
  return rates;
}
