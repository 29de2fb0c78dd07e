/** The known name nearest to a mistyped one, for sentences that name a remedy. */
import { editDistance } from '../../names.ts';

/** By the fewest changed letters; letter case does not count. */
export function nearestName(wanted: string, known: readonly string[]): string {
  const text = wanted.slice(0, 80).toLowerCase();
  let best = { name: known[0] ?? '', changes: Infinity };
  for (const name of known) {
    const changes = editDistance(text, name.toLowerCase());
    if (changes < best.changes) best = { name, changes };
  }
  return best.name;
}
