/**
 * Names as people write them: which record is meant, and which are nearest when none is.
 *
 * `H100`, `h100-sxm` and `NVIDIA H100 80GB HBM3` are one GPU: letter case, spaces and signs do not count, and neither do
 * words that every name of a maker begins with.
 */

/** Letters and digits alone, in small letters. */
export function compactName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** Levenshtein's distance: letters to change, add or leave out. */
export function editDistance(a: string, b: string): number {
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

/** What records are looked up by. */
export interface Named {
  readonly id: string;
  readonly name: string;
  readonly aliases?: readonly string[] | undefined;
}

function namesOf({ id, name, aliases }: Named): readonly string[] {
  return [id, name, ...(aliases ?? [])];
}

/** A lookup over records by id, name or alias. An id always wins over another record's alias, an earlier record over a later. */
export class NameIndex<T extends Named> {
  readonly #byName = new Map<string, T>();
  readonly #records: readonly T[];
  readonly #key: (name: string) => string;

  constructor(records: readonly T[], key: (name: string) => string = compactName) {
    this.#records = records;
    this.#key = key;
    const names: readonly ((record: T) => readonly string[])[] = [
      ({ id }) => [id],
      ({ name }) => [name],
      namesOf,
    ];
    for (const some of names) {
      for (const record of records) {
        for (const name of some(record)) {
          const known = key(name);
          if (!this.#byName.has(known)) this.#byName.set(known, record);
        }
      }
    }
  }

  find(name: string): T | undefined {
    return this.#byName.get(this.#key(name.slice(0, MOST_LETTERS)));
  }

  /** The records whose names take the fewest changes; of equals the earlier. */
  nearest(wanted: string, count = 3): readonly T[] {
    const text = this.#key(wanted.slice(0, MOST_LETTERS));
    const scored = this.#records.map((record, order) => ({
      record,
      order,
      changes: this.#changes(text, record),
    }));
    scored.sort((a, b) => a.changes - b.changes || a.order - b.order);
    return scored.slice(0, count).map(({ record }) => record);
  }

  #changes(text: string, record: T): number {
    let least = Infinity;
    for (const name of namesOf(record)) {
      const known = this.#key(name);
      const missing = Math.abs(known.length - text.length);
      // A part of a name is nearer than its length says: "4090" means one of the RTX 4090s.
      const changes =
        text !== '' && (known.includes(text) || text.includes(known))
          ? missing / 4
          : editDistance(text, known);
      if (changes < least) least = changes;
    }
    return least;
  }
}

const MOST_LETTERS = 120;

/** "a", "a or b", "a, b or c". */
export function orList(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`;
}
