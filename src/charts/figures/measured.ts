/**
 * The table of figures of measured runs. One that does not apply to a run returns null and is not offered. Those of
 * simulated runs are in simulation/, so that who shows only one kind loads only that.
 */
import type { CheckRun, LabRun } from '../../core/run/schema.ts';
import type { FigureSpec } from '../figure.ts';
import { SERIES_COLOURS } from '../theme.ts';
import { checkDecodeByFormat } from './check.ts';
import { compareFigures } from './compare.ts';
import { evictionBytes, evictionTime } from './eviction.ts';
import { gbpsByFormat } from './gbps-by-format.ts';
import { latencyVsBlockSize } from './latency-vs-block-size.ts';
import { latencyVsSeqlen } from './latency-vs-seqlen.ts';
import { memVsConcurrency } from './mem-vs-concurrency.ts';
import { memVsSeqlen } from './mem-vs-seqlen.ts';
import { mixedLengthsLatency, mixedLengthsTokenGaps } from './mixed-lengths.ts';
import { pagedVsContiguous } from './paged-vs-contiguous.ts';
import { sharedPrefixMemory } from './shared-prefix-memory.ts';
import { tailLatencyCdf } from './tail-latency-cdf.ts';
import { tpsVsConcurrency } from './tps-vs-concurrency.ts';
import { wasteVsBlockSize } from './waste-vs-block-size.ts';

type Builder<T> = (run: T) => FigureSpec | null;

/** As many series as the palette and the markers can tell apart. */
const MAX_SERIES = SERIES_COLOURS;

/** A figure with the first series only, where a sweep of several axes made too many, and a note of the others. */
function limited<T>(build: Builder<T>): Builder<T> {
  return (run) => {
    const spec = build(run);
    const left = (spec?.series.filter(({ role }) => role !== 'fit').length ?? 0) - MAX_SERIES;
    if (spec === null || left <= 0) return spec;
    const kept = new Set(spec.series.filter(({ role }) => role !== 'fit').slice(0, MAX_SERIES));
    const note = `${left} further series are not drawn; the run's file holds them.`;
    return {
      ...spec,
      series: spec.series.filter((series) => kept.has(series)),
      notes: [...(spec.notes ?? []), note],
    };
  };
}

const LAB_BUILDERS: readonly Builder<LabRun>[] = [
  memVsConcurrency,
  tpsVsConcurrency,
  latencyVsSeqlen,
  memVsSeqlen,
  mixedLengthsLatency,
  mixedLengthsTokenGaps,
  tailLatencyCdf,
  gbpsByFormat,
  latencyVsBlockSize,
  wasteVsBlockSize,
  sharedPrefixMemory,
  pagedVsContiguous,
  evictionTime,
  evictionBytes,
];

export const LAB_FIGURES = LAB_BUILDERS.map(limited);

export const CHECK_FIGURES: readonly Builder<CheckRun>[] = [checkDecodeByFormat];

export type MeasuredRun = LabRun | CheckRun;

function figuresOf(run: MeasuredRun): FigureSpec[] {
  return run.kind === 'lab'
    ? LAB_FIGURES.flatMap((build) => build(run) ?? [])
    : CHECK_FIGURES.flatMap((build) => build(run) ?? []);
}

/** Every figure that the run offers; with `other`, figures that both offer show both, and the rest show the first. */
export function measuredFigures(run: MeasuredRun, other?: MeasuredRun): FigureSpec[] {
  const figures = figuresOf(run);
  if (other === undefined) return figures;
  const others = new Map(figuresOf(other).map((spec) => [spec.id, spec]));
  const [name, otherName] = run.title === other.title ? ['A', 'B'] : [run.title, other.title];
  return figures.map((spec) => {
    const second = others.get(spec.id);
    return second === undefined ? spec : compareFigures({ name, spec }, { name: otherName, spec: second });
  });
}
