/** Figures of a load on a real server, and of a watch over its metrics. One that does not apply is not offered. */
import { courseOf } from '../../../core/metrics/load/course.ts';
import type { LoadRun, WatchRun } from '../../../core/run/load.ts';
import type { FigureSpec } from '../../figure.ts';
import { compareFigures } from '../compare.ts';
import { bySetting } from './by-setting.ts';
import { courseFigures } from './course.ts';
import { distributions } from './distributions.ts';
import { loadCases, loadProvenance } from './subject.ts';
import { watchFigures } from './watch.ts';

/** The course of the point that saturates the server, else of the last. */
function overTime(run: LoadRun): FigureSpec[] {
  const cases = loadCases(run);
  const found = cases.find(({ point }) => point.saturated !== null) ?? cases.at(-1);
  const record = found?.point.repetitions[0]?.measured;
  if (found === undefined || record === undefined) return [];
  const note = found.label === '' ? [] : [`Drawn is the first kept repetition of ${found.label}.`];
  return courseFigures(courseOf(record), loadProvenance(run, note));
}

function own(run: LoadRun | WatchRun): FigureSpec[] {
  if (run.kind === 'watch') return watchFigures(run);
  return [...bySetting(run), ...distributions(run), ...overTime(run)];
}

/** Every figure that the run offers; with `other`, figures that both offer show both. */
export function loadFigures(run: LoadRun | WatchRun, other?: LoadRun | WatchRun): FigureSpec[] {
  const figures = own(run);
  if (other === undefined) return figures;
  const others = new Map(own(other).map((spec) => [spec.id, spec]));
  const [name, otherName] = run.title === other.title ? ['A', 'B'] : [run.title, other.title];
  return figures.map((spec) => {
    const second = others.get(spec.id);
    return second === undefined ? spec : compareFigures({ name, spec }, { name: otherName, spec: second });
  });
}
