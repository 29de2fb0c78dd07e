/** Figures of a load on a real server, and of a watch over its metrics. */
import type { LoadRun, WatchRun } from '../../../core/run/load.ts';
import type { FigureSpec } from '../../figure.ts';

export function loadFigures(_run: LoadRun | WatchRun, _other?: LoadRun | WatchRun): FigureSpec[] {
  return [];
}
