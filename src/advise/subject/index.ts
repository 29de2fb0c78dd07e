/** Any run as the rules see it, or why no advice can be given on it. */
import type { Run } from '../../core/run/schema.ts';
import type { AdviseOptions } from '../types.ts';
import { loadedSubject } from './loaded.ts';
import { servedSubject } from './served.ts';
import { simulatedSubject } from './simulated.ts';
import type { ReadSubject } from './subject.ts';
import { watchedSubject } from './watched.ts';

export function subjectOf(run: Run, { point, inputs = {} }: AdviseOptions): ReadSubject {
  switch (run.kind) {
    case 'simulate':
      return simulatedSubject(run, point, inputs);
    case 'serve':
      return servedSubject(run, point);
    case 'load':
      return loadedSubject(run, point, inputs);
    case 'watch':
      return watchedSubject(run);
    default:
      return {
        ok: false,
        sentence: `A run of kind ${run.kind} says nothing that this advice could rest on; a simulation, a serving run, a load or a watch does.`,
      };
  }
}
