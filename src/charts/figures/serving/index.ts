/** The table of a serving run's figures. One that does not apply to a run returns nothing and is not offered. */
import type { ServeRun } from '../../../core/run/serve.ts';
import type { FigureSpec } from '../../figure.ts';
import { SERIES_COLOURS } from '../../theme.ts';
import { compareFigures } from '../compare.ts';
import { latenciesBySetting } from './by-setting.ts';
import { distributions } from './distributions.ts';
import { predictionErrors } from './errors.ts';
import { firstTokens } from './first-token.ts';
import { keptState, kvOverTime, sequencesThatFit } from './memory.ts';

type Builder = (run: ServeRun) => FigureSpec | readonly FigureSpec[] | null;

/** In the order of reading: what it took and whether it was foreseen, how it was spread, what the memory did. */
const BUILDERS: readonly Builder[] = [
  firstTokens,
  sequencesThatFit,
  latenciesBySetting,
  predictionErrors,
  distributions,
  keptState,
  kvOverTime,
];

function limited(spec: FigureSpec): FigureSpec {
  const left = spec.series.length - SERIES_COLOURS;
  if (left <= 0) return spec;
  const note = `${left} further series are not drawn; the run’s file holds them.`;
  return { ...spec, series: spec.series.slice(0, SERIES_COLOURS), notes: [...(spec.notes ?? []), note] };
}

/** Every figure that the run offers; with `other`, figures that both offer show both. */
export function servingFigures(run: ServeRun, other?: ServeRun): FigureSpec[] {
  const figures = BUILDERS.flatMap((build) => build(run) ?? []).map(limited);
  if (other === undefined) return figures;
  const others = new Map(servingFigures(other).map((spec) => [spec.id, spec]));
  const [name, otherName] = run.title === other.title ? ['A', 'B'] : [run.title, other.title];
  return figures.map((spec) => {
    const second = others.get(spec.id);
    return second === undefined ? spec : compareFigures({ name, spec }, { name: otherName, spec: second });
  });
}
