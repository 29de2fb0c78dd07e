/** Any run as the rules see it, or why no advice can be given on it. */
import type { Run } from '../../core/run/schema.ts';
import type { AdviseOptions } from '../types.ts';
import { simulatedSubject } from './simulated.ts';
import type { ReadSubject } from './subject.ts';

export function subjectOf(run: Run, { point, inputs = {} }: AdviseOptions): ReadSubject {
  switch (run.kind) {
    case 'simulate':
      return simulatedSubject(run, point, inputs);
    default:
      return {
        ok: false,
        sentence: `A run of kind ${run.kind} says nothing that advice could rest on; a simulation, a serving run or a load does.`,
      };
  }
}
