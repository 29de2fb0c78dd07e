/** fig3: prefill time and time of a decode step against prompt length, apart, each with its fitted exponent. */
import { describeMetric } from '../../core/metrics/definitions.ts';
import type { LabRun } from '../../core/run/schema.ts';
import type { FigureSeries, FigureSpec } from '../figure.ts';
import { distinctX, exponentOf, fitSeries, MIN_FIT_POINTS, observations } from './fits.ts';
import { valuesOf } from './samples.ts';
import { sliceSeries } from './series.ts';
import { fitted, INTERVAL_MEANING, medianEstimate } from './statistics.ts';
import { isSwept, PATHS, provenance, SCOPE, slicesAlong, type Slice } from './subject.ts';
import { estimateWords, sentence, type Clause } from './words.ts';

const PHASES = [
  { id: 'prefill', label: 'prefill, whole prompt', metric: 'prefillMs' },
  { id: 'decode', label: 'decode, one token', metric: 'decodeStepMs' },
] as const;

export function latencyVsSeqlen(run: LabRun): FigureSpec | null {
  if (!isSwept(run, PATHS.promptTokens)) return null;
  const slices = slicesAlong(run, PATHS.promptTokens);
  return {
    id: 'fig3_latency_vs_seqlen',
    mark: 'line',
    title: 'Latency by prompt length',
    x: { label: 'Prompt length', unit: 'tokens', scale: 'log' },
    y: { label: 'Time', unit: 'ms', scale: 'log' },
    series: slices.flatMap((slice, index) => phaseSeries(slice, index, slices.length)),
    definition: `${describeMetric('prefillMs')} ${describeMetric('decodeStepMs')} ${SCOPE} Dotted: the fitted power law.`,
    intervalMeaning: INTERVAL_MEANING,
    finding: sentence(slices.flatMap(exponents)),
    ...provenance(run),
  };
}

/** Beyond this many slices, prefill, which they hardly differ in, is left out. */
const MAX_FOR_BOTH = 3;

/** With several slices, colour tells the slice and hollow markers the phase; fits are then left out. */
function phaseSeries(slice: Slice, index: number, count: number): FigureSeries[] {
  const drawn = PHASES.filter(({ id }) => id === 'decode' || count <= MAX_FOR_BOTH);
  return drawn.flatMap(({ id, label, metric }, phase): FigureSeries[] => {
    const colour = count === 1 ? phase : index;
    const definition = `${describeMetric(metric)} ${SCOPE}`;
    const estimated = sliceSeries(slice, { id, label, colour }, (point) =>
      medianEstimate(valuesOf(point, metric)),
    );
    const data = { ...estimated, definition };
    if (count > 1) return [{ ...data, ...(phase === 1 ? { dashed: true } : {}) }];
    const all = observations(slice, (point) => valuesOf(point, metric));
    const fit = exponentOf(all);
    return fit ? [data, fitSeries(`${data.id}:fit`, colour, fit, distinctX(all))] : [data];
  });
}

function exponents(slice: Slice): Clause[] {
  const words = PHASES.map(({ id, metric }) => {
    const all = observations(slice, (point) => valuesOf(point, metric));
    const fit = exponentOf(all);
    return fit
      ? `${id} time grows as length to the power ${estimateWords(fitted(fit.exponent, fit.exponentInterval, all.length), '')}`
      : `${id} has ${distinctX(all).length} finished lengths, ${MIN_FIT_POINTS} are needed for an exponent`;
  });
  return [{ label: slice.label, text: words.join(', ') }];
}
