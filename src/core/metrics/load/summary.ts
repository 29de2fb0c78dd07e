/**
 * The summary of a repetition of a load: its raw columns go through the collector that listens to the simulator, so that
 * TTFT, TPOT, ITL, E2E and goodput mean the same as everywhere (definitions.ts). What only a client has stands beside:
 * errors by kind, retries, its own lateness, the lengths that really came.
 *
 * Where the server counted fewer pieces of text than tokens, TPOT is over its tokens and ITL over the pieces.
 */
import type { FaultKind, LoadRecord } from '../../run/load.ts';
import type { SimDistribution, SimSummary } from '../../run/simulation.ts';
import { requestTable } from '../../schedule/requests.ts';
import { quantileInterval, type Interval } from '../intervals.ts';
import { ServingCollector } from '../serving/collector.ts';
import { distributionOf } from '../serving/distribution.ts';
import { summarizeServing, type ServingObjectives } from '../serving/summary.ts';

const CDF_STEPS = 200;
const TAILS = [0.5, 0.9, 0.99] as const;

export interface TailIntervals {
  /** 95 %, by order statistics of the requests; null where they are too few to bound the quantile. */
  readonly p50: Interval | null;
  readonly p90: Interval | null;
  readonly p99: Interval | null;
}

export interface LoadSummary {
  readonly summary: SimSummary;
  readonly intervals: Readonly<Record<'ttftMs' | 'tpotMs' | 'e2eMs', TailIntervals>>;
  readonly failed: number;
  /** Requests that were never sent. */
  readonly notSent: number;
  /** Failed attempts by kind, those that were sent again included. */
  readonly errors: Readonly<Partial<Record<FaultKind, number>>>;
  readonly retries: number;
  /** From when a request was due to when the client sent it. */
  readonly latenessMs: SimDistribution | null;
  readonly heldBack: number;
  /** Means over finished requests: asked, and as the server counted; null where it did not. */
  readonly tokens: {
    readonly askedPrompt: number | null;
    readonly prompt: number | null;
    readonly askedOutput: number | null;
    readonly output: number | null;
  };
  /** Pieces of text for each token that came; 1 where each token came by itself. */
  readonly chunksPerToken: number | null;
}

function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function distribution(values: readonly number[]): SimDistribution | null {
  return distributionOf(Float64Array.from(values), values.length, CDF_STEPS);
}

function tails(values: number[]): TailIntervals {
  const sorted = values.sort((a, b) => a - b);
  const [p50 = null, p90 = null, p99 = null] = TAILS.map((p) => quantileInterval(sorted, p));
  return { p50, p90, p99 };
}

/** Tokens that a request generated: the server's count, else the pieces that came. */
export function tokensOf({ requests }: Pick<LoadRecord, 'requests'>, row: number): number {
  return requests.outputTokens[row] ?? requests.chunks[row] ?? 0;
}

export function summarizeLoad(record: LoadRecord, objectives: ServingObjectives): LoadSummary {
  const { requests, faults } = record;
  const table = requestTable(
    requests.arrivalMs.map((arrivalMs, row) => ({
      arrivalMs: arrivalMs ?? 0,
      promptTokens: requests.promptTokens[row] ?? requests.askedPromptTokens[row] ?? 0,
      outputTokens: tokensOf(record, row),
    })),
  );
  const collector = new ServingCollector({ requests: table, blockSize: 1, maxSamples: 2 });
  fill(collector, record);
  const counted = requests.cachedTokens.some((tokens) => tokens !== null);
  const summary = summarizeServing(collector, { objectives, prefixCache: counted, cdfSteps: CDF_STEPS });
  const rows = requests.endMs.flatMap((end, row) => (end === null ? [] : [row]));
  const of = (read: (row: number) => number | null | undefined): number[] =>
    rows.flatMap((row) => read(row) ?? []);
  const span = (to: readonly (number | null)[], from: readonly (number | null)[]) => (row: number) => {
    const [end, start] = [to[row] ?? null, from[row] ?? null];
    return end === null || start === null ? null : end - start;
  };
  const sent = requests.sentMs.flatMap((ms, row) =>
    ms === null ? [] : [ms - (requests.arrivalMs[row] ?? ms)],
  );
  const tokens = of((row) => requests.outputTokens[row]);
  const pieces = of((row) => (requests.outputTokens[row] == null ? null : requests.chunks[row]));
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const errors: Partial<Record<FaultKind, number>> = {};
  for (const { kind } of faults) errors[kind] = (errors[kind] ?? 0) + 1;
  return {
    summary,
    intervals: {
      ttftMs: tails(of(span(requests.firstTokenMs, requests.arrivalMs))),
      tpotMs: tails(of((row) => tpotOf(record, row))),
      e2eMs: tails(of(span(requests.endMs, requests.arrivalMs))),
    },
    failed: sent.length - rows.length,
    notSent: requests.arrivalMs.length - sent.length,
    errors,
    retries: faults.filter(({ retried }) => retried).length,
    latenessMs: distribution(sent),
    heldBack: record.heldBack,
    tokens: {
      askedPrompt: meanOf(of((row) => requests.askedPromptTokens[row])),
      prompt: meanOf(of((row) => requests.promptTokens[row])),
      askedOutput: meanOf(of((row) => requests.askedOutputTokens[row])),
      output: meanOf(tokens),
    },
    chunksPerToken: sum(tokens) > 0 ? sum(pieces) / sum(tokens) : null,
  };
}

function tpotOf({ requests }: LoadRecord, row: number): number | null {
  const [first, end] = [requests.firstTokenMs[row] ?? null, requests.endMs[row] ?? null];
  const tokens = tokensOf({ requests }, row);
  return first === null || end === null || tokens < 2 ? null : (end - first) / (tokens - 1);
}

function fill({ times, gaps, totals }: ServingCollector, { requests }: LoadRecord): void {
  const known = (value: number | null | undefined): number => value ?? NaN;
  let at = 0;
  for (let row = 0; row < times.table.size; row++) {
    const pieces = requests.chunks[row] ?? 0;
    const over = requests.endMs[row] !== null;
    times.arrivalMs[row] = known(requests.arrivalMs[row]);
    times.firstTokenMs[row] = over ? known(requests.firstTokenMs[row]) : NaN;
    times.endMs[row] = known(requests.endMs[row]);
    const cached = requests.cachedTokens[row] ?? null;
    if (over && cached !== null) {
      times.cachedTokens[row] = cached;
      totals.lookedUpTokens += requests.promptTokens[row] ?? 0;
      totals.hitTokens += cached;
    }
    for (let i = at + 1; over && i < at + pieces; i++) {
      gaps.add((requests.chunkMs[i] ?? 0) - (requests.chunkMs[i - 1] ?? 0), 1);
    }
    at += pieces;
  }
}
