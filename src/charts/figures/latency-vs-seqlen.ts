/** fig3: prefill time and time of a decode step against prompt length, apart, each with its fitted exponent. */
import { describeMetric } from '../../core/metrics/definitions.ts';
import type { LabRun, Point } from '../../core/run/schema.ts';
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

type Phase = (typeof PHASES)[number];

/** Beyond this many slices, prefill, in which they hardly differ, is left out. */
const MAX_FOR_BOTH = 3;

export function latencyVsSeqlen(run: LabRun): FigureSpec | null {
  if (!isSwept(run, PATHS.promptTokens)) return null;
  const slices = slicesAlong(run, PATHS.promptTokens);
  const both = slices.length <= MAX_FOR_BOTH;
  const phases = both ? PHASES : PHASES.slice(1);
  const fits = slices.length === 1;
  return {
    id: 'fig3_latency_vs_seqlen',
    mark: 'line',
    title: both ? 'Latency by prompt length' : 'Decode step by prompt length',
    x: { label: 'Prompt length', unit: 'tokens', scale: 'log' },
    y: { label: both ? 'Time' : 'Decode step', unit: 'ms', scale: 'log' },
    series: slices.flatMap((slice, i) =>
      phases.flatMap((phase, j) => phaseSeries(slice, phase, i * phases.length + j, fits)),
    ),
    definition:
      `${phases.map(({ metric }) => describeMetric(metric)).join(' ')} ${SCOPE}` +
      (fits ? ' Dotted: the fitted power law.' : ''),
    intervalMeaning: INTERVAL_MEANING,
    finding: sentence(slices.map((slice) => exponents(slice, phases))),
    ...provenance(run),
  };
}

/** The phase over the lengths, and the power law through it where there is room for one. */
function phaseSeries(
  slice: Slice,
  { id, label, metric }: Phase,
  colour: number,
  fits: boolean,
): FigureSeries[] {
  const values = (point: Point) => valuesOf(point, metric);
  const estimated = sliceSeries(slice, { id, label, colour }, (point) => medianEstimate(values(point)));
  const data = { ...estimated, definition: `${describeMetric(metric)} ${SCOPE}` };
  const all = observations(slice, values);
  const fit = fits ? exponentOf(all) : null;
  return fit ? [data, fitSeries(`${data.id}:fit`, colour, fit, distinctX(all))] : [data];
}

function exponents(slice: Slice, phases: readonly Phase[]): Clause {
  const words = phases.map(({ id, metric }) => {
    const all = observations(slice, (point) => valuesOf(point, metric));
    const fit = exponentOf(all);
    if (fit === null)
      return `${id} has ${distinctX(all).length} finished lengths, ${MIN_FIT_POINTS} are needed for an exponent`;
    const exponent = fitted(fit.exponent, fit.exponentInterval, all.length);
    return `${id} time grows as length to the power ${estimateWords(exponent, '')}`;
  });
  return { label: slice.label, text: words.join(', ') };
}
