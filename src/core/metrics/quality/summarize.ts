/**
 * Values and intervals of a quality run, computed from its samples whenever they are needed.
 *
 * Positions of one text depend on each other, so texts are drawn again, never positions. Intervals are 95 %, seeded by
 * the scenario, so that the same run shows the same digits everywhere.
 */
import { exp } from '../../math.ts';
import { createRandom, type Random } from '../../random.ts';
import type { QualityPoint, QualityRun, TextSamples } from '../../run/quality.ts';
import { cellLabel } from '../../scenario/quality/cells.ts';
import { bootstrapInterval, quantileInterval, type Interval } from '../intervals.ts';
import { mean, median } from '../percentiles.ts';
import { exactBinomial } from './binomial.ts';

export interface QualityEstimate {
  readonly value: number;
  /** null: too few samples to bound it. */
  readonly interval: Interval | null;
  readonly samples: number;
}

export interface RecallEstimate extends QualityEstimate {
  readonly distance: number;
  /** null: all depths together. */
  readonly depth: number | null;
}

export interface QualitySummary {
  readonly label: string;
  readonly cell: QualityPoint['cell'];
  readonly status: QualityPoint['status'];
  readonly reason: string | null;
  readonly emulated: boolean;
  readonly bytesPerToken: number;
  readonly heldBytesPerToken: number;
  /** All questions together. */
  readonly recall: QualityEstimate | null;
  readonly recallByDistance: readonly RecallEstimate[];
  readonly recallByPlace: readonly RecallEstimate[];
  readonly perplexity: QualityEstimate | null;
  readonly klDivergence: QualityEstimate | null;
  readonly top1Agreement: QualityEstimate | null;
  readonly attentionError: QualityEstimate | null;
  readonly tpotMs: QualityEstimate | null;
}

function share(right: readonly number[]): QualityEstimate | null {
  if (right.length === 0) return null;
  const hits = right.reduce((sum, one) => sum + one, 0);
  return { value: hits / right.length, interval: exactBinomial(hits, right.length), samples: right.length };
}

function recallOf(
  samples: QualityPoint['recall'],
  place: Pick<RecallEstimate, 'distance' | 'depth'>,
): RecallEstimate[] {
  const found = share(
    samples
      .filter(({ distance, depth }) => distance === place.distance && (place.depth ?? depth) === depth)
      .flatMap(({ right }) => right),
  );
  return found === null ? [] : [{ ...place, ...found }];
}

/** A text as far as a mean needs it, so that thousands of resamples stay quick. */
interface TextSum {
  readonly sum: number;
  readonly count: number;
}

/** Mean over all positions of the texts, then `of` it; whole texts are drawn again for the interval. */
function overTexts(
  texts: readonly TextSamples[],
  values: (text: TextSamples) => readonly number[],
  random: Random,
  of: (mean: number) => number = (value) => value,
): QualityEstimate | null {
  const sums = texts.map((text): TextSum => {
    const scored = values(text);
    return { sum: scored.reduce((sum, value) => sum + value, 0), count: scored.length };
  });
  if (sums.length === 0) return null;
  const statistic = (drawn: readonly TextSum[]): number => {
    let [sum, count] = [0, 0];
    for (const text of drawn) {
      sum += text.sum;
      count += text.count;
    }
    return of(sum / count);
  };
  const interval = bootstrapInterval(sums, statistic, random);
  return { value: statistic(sums), interval, samples: sums.length };
}

/** Mean error over layers and heads of each sequence. */
export function errorBySequence({ attention }: Pick<QualityPoint, 'attention'>): number[] {
  const sequences = Math.min(...attention.map(({ errors }) => errors.length));
  if (!Number.isFinite(sequences)) return [];
  return Array.from({ length: sequences }, (_, i) => mean(attention.map(({ errors }) => errors[i] ?? 0)));
}

function attentionError(point: QualityPoint, random: Random): QualityEstimate | null {
  const errors = errorBySequence(point);
  if (errors.length === 0) return null;
  return { value: mean(errors), interval: bootstrapInterval(errors, mean, random), samples: errors.length };
}

function tpot(stepMs: readonly number[]): QualityEstimate | null {
  if (stepMs.length === 0) return null;
  const interval = quantileInterval(
    stepMs.toSorted((a, b) => a - b),
    0.5,
  );
  return { value: median(stepMs), interval, samples: stepMs.length };
}

export function summarizeQualityPoint(point: QualityPoint, random: Random): QualitySummary {
  const { recall, text, stepMs } = point;
  const distances = [...new Set(recall.map(({ distance }) => distance))].sort((a, b) => a - b);
  const depths = [...new Set(recall.map(({ depth }) => depth))].sort((a, b) => a - b);
  const places = distances.flatMap((distance) => depths.map((depth) => ({ distance, depth })));
  return {
    label: cellLabel(point.cell),
    cell: point.cell,
    status: point.status,
    reason: point.reason,
    emulated: point.emulated,
    bytesPerToken: point.bytesPerToken,
    heldBytesPerToken: point.heldBytesPerToken,
    recall: share(recall.flatMap(({ right }) => right)),
    recallByDistance: distances.flatMap((distance) => recallOf(recall, { distance, depth: null })),
    recallByPlace: places.flatMap((place) => recallOf(recall, place)),
    perplexity: overTexts(text, ({ nll }) => nll, random.fork('perplexity'), exp),
    klDivergence: overTexts(text, ({ kl }) => kl, random.fork('kl')),
    top1Agreement: overTexts(text, ({ agree }) => agree, random.fork('top1')),
    attentionError: attentionError(point, random.fork('attention')),
    tpotMs: tpot(stepMs),
  };
}

/** A summary a point, in the order of the run. */
export function summarizeQuality(run: QualityRun): QualitySummary[] {
  const random = createRandom(run.scenario.seed).fork('quality');
  return run.points.map((point, i) => summarizeQualityPoint(point, random.fork(i)));
}
