/** fig2: output tokens a second against concurrency, and where more requests stop helping. */
import type { LabRun } from '../../core/run/schema.ts';
import type { FigureSpec } from '../figure.ts';
import { formatValue } from '../format.ts';
import { measuredPoints } from './fits.ts';
import { tokensPerSecond } from './samples.ts';
import { sliceSeries } from './series.ts';
import { estimate, INTERVAL_MEANING, medianEstimate, medianRatio, quantile } from './statistics.ts';
import { isSwept, PATHS, provenance, slicesAlong, type Slice } from './subject.ts';
import { estimateWords, sentence, type Clause } from './words.ts';

/** The knee is the first concurrency that reaches this share of the best throughput. */
const KNEE_SHARE = 0.9;

export function tpsVsConcurrency(run: LabRun): FigureSpec | null {
  if (!isSwept(run, PATHS.concurrency)) return null;
  const slices = slicesAlong(run, PATHS.concurrency);
  return {
    id: 'fig2_tps_vs_concurrency',
    mark: 'line',
    title: 'Throughput by concurrency',
    x: { label: 'Requests in flight', unit: '', scale: 'linear' },
    y: { label: 'Output throughput', unit: 'tok/s', scale: 'linear' },
    series: slices.map((slice, colour) =>
      sliceSeries(slice, { id: 'throughput', label: '', colour }, (p) => medianEstimate(tokensPerSecond(p))),
    ),
    definition:
      'Output tokens of a repetition’s finished requests over the time from the first start to the last end. ' +
      'Attention and KV cache only: no other layer of the model runs.',
    intervalMeaning: INTERVAL_MEANING,
    finding: sentence(slices.flatMap(knee)),
    ...provenance(run),
  };
}

function knee(slice: Slice): Clause[] {
  const points = measuredPoints(slice, tokensPerSecond);
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last || points.length < 2) return [];
  const xs = points.map(({ x }) => x);
  const at = estimate(
    points.map(({ values }) => values),
    (sets) => kneeOf(xs, sets),
  );
  const gain = medianRatio(first.values, last.values);
  if (at === null || gain === null) return [];
  const best = Math.max(...points.map(({ values }) => quantile(values, 0.5) ?? 0));
  const share = formatValue(KNEE_SHARE, 'share');
  const text =
    at.value === last.x
      ? `throughput grows ${estimateWords(gain, 'ratio')} from ${first.x} to ${last.x} requests, with no knee in sight: only the last reaches ${share} of the best`
      : `throughput changes ${estimateWords(gain, 'ratio')} from ${first.x} to ${last.x} requests; its knee, ${share} of the best ${formatValue(best, 'tok/s')}, lies at ${estimateWords(at, '')} requests`;
  return [{ label: slice.label, text }];
}

function kneeOf(xs: readonly number[], sets: readonly (readonly number[])[]): number | null {
  const medians = sets.map((values) => quantile(values, 0.5) ?? 0);
  const best = Math.max(...medians);
  return xs.find((_, i) => (medians[i] ?? 0) >= KNEE_SHARE * best) ?? null;
}
