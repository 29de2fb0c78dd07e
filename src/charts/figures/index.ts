/** The table of figures: one a file; a figure that does not apply to a run returns null and is not offered. */
import type { LabRun, Run } from '../../core/run/schema.ts';
import type { FigureSpec } from '../figure.ts';
import { memVsConcurrency } from './mem-vs-concurrency.ts';

export type FigureBuilder = (run: LabRun) => FigureSpec | null;

export const FIGURES: readonly FigureBuilder[] = [memVsConcurrency];

/** Every figure that the run offers; with `other`, figures that both offer show both. */
export function figuresFor(run: Run, _other?: Run): FigureSpec[] {
  if (run.kind !== 'lab') return [];
  return FIGURES.flatMap((build) => build(run) ?? []);
}
