/** The figures of a run of any kind. */
import type { Run } from '../../core/run/schema.ts';
import type { FigureSpec } from '../figure.ts';
import { autopilotFigures } from './autopilot/index.ts';
import { importedFigures } from './imported/index.ts';
import { acrossFigures } from './load/across.ts';
import { loadFigures } from './load/index.ts';
import { measuredFigures } from './measured.ts';
import { planFiguresFor } from './plan/index.ts';
import { qualityFigures } from './quality/index.ts';
import { servingFigures } from './serving/index.ts';
import { simFiguresFor } from './simulation/index.ts';
import { tuneFigures } from './tune/index.ts';

/** Every figure that the run offers; one of another kind has no figure in common with it and is left out. */
export function figuresFor(run: Run, other?: Run): FigureSpec[] {
  if ((run.kind === 'load' && other?.kind === 'serve') || (run.kind === 'serve' && other?.kind === 'load')) {
    return [...acrossFigures(run, other), ...figuresFor(run)];
  }
  if (run.kind === 'simulate') return simFiguresFor(run, other?.kind === 'simulate' ? other : undefined);
  if (run.kind === 'quality') return qualityFigures(run, other?.kind === 'quality' ? other : undefined);
  if (run.kind === 'serve') return servingFigures(run, other?.kind === 'serve' ? other : undefined);
  if (run.kind === 'tune') return tuneFigures(run);
  if (run.kind === 'plan') return planFiguresFor(run, other?.kind === 'plan' ? other : undefined);
  if (run.kind === 'load' || run.kind === 'watch') {
    return loadFigures(run, other?.kind === 'load' || other?.kind === 'watch' ? other : undefined);
  }
  if (run.kind === 'autopilot') return autopilotFigures(run, other?.kind === 'autopilot' ? other : undefined);
  if (run.kind === 'imported') return importedFigures(run, other?.kind === 'imported' ? other : undefined);
  return measuredFigures(run, other?.kind === 'lab' || other?.kind === 'check' ? other : undefined);
}
