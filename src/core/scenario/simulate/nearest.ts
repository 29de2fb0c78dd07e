/** The known name nearest to a mistyped one, for sentences that name a remedy. */

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** By the fewest changed letters; letter case does not count. */
export function nearestName(wanted: string, known: readonly string[]): string {
  const text = wanted.slice(0, 80).toLowerCase();
  let best = { name: known[0] ?? '', changes: Infinity };
  for (const name of known) {
    const changes = distance(text, name.toLowerCase());
    if (changes < best.changes) best = { name, changes };
  }
  return best.name;
}
