/** fig3: prefill time and time of a decode step against prompt length, apart, each with its fitted exponent. */
import type { LabRun, Point } from '../../core/run/schema.ts';
import type { FigureSeries, FigureSpec } from '../figure.ts';
import { fitPower, fitSeries, measuredPoints } from './fits.ts';
import { decodeStepMs, prefillMs } from './samples.ts';
import { sliceSeries } from './series.ts';
import { INTERVAL_MEANING, medianEstimate, repetitionMedians } from './statistics.ts';
import { isSwept, PATHS, provenance, slicesAlong, type Slice } from './subject.ts';
import { estimateWords, sentence, type Clause } from './words.ts';

/** One value a repetition: steps of one repetition are not independent of each other. */
function medianDecodeStepMs(point: Point): number[] {
  return repetitionMedians(decodeStepMs(point));
}

const PHASES = [
  { id: 'prefill', label: 'prefill, whole prompt', valuesOf: prefillMs },
  { id: 'decode', label: 'decode, one token', valuesOf: medianDecodeStepMs },
] as const;

export function latencyVsSeqlen(run: LabRun): FigureSpec | null {
  if (!isSwept(run, PATHS.promptTokens) || isSwept(run, PATHS.format)) return null;
  const slices = slicesAlong(run, PATHS.promptTokens);
  return {
    id: 'fig3_latency_vs_seqlen',
    mark: 'line',
    title: 'Latency by prompt length',
    x: { label: 'Prompt length', unit: 'tokens', scale: 'log' },
    y: { label: 'Time', unit: 'ms', scale: 'log' },
    series: slices.flatMap((slice, index) => phaseSeries(slice, index)),
    definition:
      'Prefill: sum of the prefill steps of a repetition, submit to done. Decode: a repetition’s median decode step, ' +
      'submit to done. Attention and KV cache only. Dotted: the fitted power law.',
    intervalMeaning: INTERVAL_MEANING,
    finding: sentence(slices.flatMap(exponents)),
    ...provenance(run),
  };
}

function phaseSeries(slice: Slice, index: number): FigureSeries[] {
  return PHASES.flatMap(({ id, label, valuesOf }, phase) => {
    const colour = index * PHASES.length + phase;
    const data = sliceSeries(slice, { id, label, colour }, (point) => medianEstimate(valuesOf(point)));
    const fit = fitPower(measuredPoints(slice, valuesOf));
    return fit ? [data, fitSeries(`${data.id}:fit`, '', colour, fit)] : [data];
  });
}

function exponents(slice: Slice): Clause[] {
  const words = PHASES.map(({ id, valuesOf }) => {
    const points = measuredPoints(slice, valuesOf);
    const fit = fitPower(points);
    return fit
      ? `${id} time grows as length to the power ${estimateWords(fit.exponent, '')}`
      : `${id} has ${points.length} finished lengths, too few for an exponent`;
  });
  return [{ label: slice.label, text: words.join(', ') }];
}
