/** Which kinds of run stand in one figure: those of a kind, and what serves requests, here and elsewhere. */
import type { Run } from './schema.ts';

const SERVES: ReadonlySet<Run['kind']> = new Set<Run['kind']>(['serve', 'load']);

export function areComparable(a: Run['kind'], b: Run['kind']): boolean {
  return a === b || (SERVES.has(a) && SERVES.has(b));
}
