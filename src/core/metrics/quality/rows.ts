/** A quality run as rows, one a cache: what the command line answers and tables show. */
import type { QualityRun } from '../../run/quality.ts';
import { variantLabel } from '../../scenario/quality/cells.ts';
import type { Interval } from '../intervals.ts';
import { summarizeQuality, type QualityEstimate, type QualitySummary } from './summarize.ts';

export type Bounds = readonly [low: number, high: number];

export interface QualityRow {
  readonly kFormat: string;
  readonly vFormat: string;
  readonly policy: string;
  readonly budget: number | null;
  /** Keys of few bits, in words; null where the formats say it all. */
  readonly variant: string | null;
  readonly status: QualitySummary['status'];
  readonly reason: string | null;
  /** The pool held f32 and rows were rounded before; bytes are computed. */
  readonly emulated: boolean;
  /** Of a token that is kept. */
  readonly bytesPerToken: number;
  /** Spread over the whole context: less where tokens are evicted. */
  readonly heldBytesPerToken: number;
  readonly recall: Readonly<Record<string, number>>;
  readonly perplexity: number | null;
  readonly klDivergence: number | null;
  readonly top1Agreement: number | null;
  readonly attentionError: number | null;
  readonly tpotMs: number | null;
  /** 95 %; null where the samples are too few. */
  readonly interval: {
    readonly recall: Readonly<Record<string, Bounds | null>>;
    readonly perplexity: Bounds | null;
    readonly klDivergence: Bounds | null;
    readonly top1Agreement: Bounds | null;
    readonly attentionError: Bounds | null;
    readonly tpotMs: Bounds | null;
  };
}

function bounds(interval: Interval | null | undefined): Bounds | null {
  return interval ? [interval.low, interval.high] : null;
}

const valueOf = (estimate: QualityEstimate | null): number | null => estimate?.value ?? null;
const boundsOf = (estimate: QualityEstimate | null): Bounds | null => bounds(estimate?.interval);

function rowOf(summary: QualitySummary): QualityRow {
  const { cell, recallByDistance, perplexity, klDivergence, top1Agreement, attentionError, tpotMs } = summary;
  return {
    kFormat: cell.kFormat,
    vFormat: cell.vFormat,
    policy: cell.policy,
    budget: cell.budget,
    variant: cell.variant === null ? null : variantLabel(cell.variant),
    status: summary.status,
    reason: summary.reason,
    emulated: summary.emulated,
    bytesPerToken: summary.bytesPerToken,
    heldBytesPerToken: summary.heldBytesPerToken,
    recall: Object.fromEntries(recallByDistance.map(({ distance, value }) => [String(distance), value])),
    perplexity: valueOf(perplexity),
    klDivergence: valueOf(klDivergence),
    top1Agreement: valueOf(top1Agreement),
    attentionError: valueOf(attentionError),
    tpotMs: valueOf(tpotMs),
    interval: {
      recall: Object.fromEntries(
        recallByDistance.map(({ distance, interval }) => [String(distance), bounds(interval)]),
      ),
      perplexity: boundsOf(perplexity),
      klDivergence: boundsOf(klDivergence),
      top1Agreement: boundsOf(top1Agreement),
      attentionError: boundsOf(attentionError),
      tpotMs: boundsOf(tpotMs),
    },
  };
}

/** In the order of the run, the full cache first. */
export function qualityRows(run: QualityRun): QualityRow[] {
  return summarizeQuality(run).map(rowOf);
}
