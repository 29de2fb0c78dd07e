/** Rows of a long list by what is typed: every word must be somewhere in a row; names that begin with it come first. */

export interface PickerRow {
  readonly id: string;
  readonly name: string;
  /** Other words that find it: aliases, a maker. */
  readonly words: readonly string[];
  /** One short line beside the name. */
  readonly about: string;
  readonly group: string;
}

export interface Matching {
  readonly rows: readonly PickerRow[];
  /** Rows that match beyond those shown. */
  readonly more: number;
  /** What is typed is one of the rows to the letter, case aside. */
  readonly exact: boolean;
}

/** More are not read by anybody. */
const MOST_ROWS = 80;

/** Letters and digits alone, so that `H100 SXM`, `h100-sxm` and `H100SXM` are the same. */
function plain(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, ' ')
    .trim();
}

interface Known {
  readonly row: PickerRow;
  readonly text: string;
  readonly names: readonly string[];
}

const prepared = new WeakMap<readonly PickerRow[], readonly Known[]>();

/** Texts are made ready once for a list, not once for a letter that is typed. */
function known(rows: readonly PickerRow[]): readonly Known[] {
  const had = prepared.get(rows);
  if (had) return had;
  const made = rows.map((row) => {
    const names = [row.id, row.name, ...row.words].map(plain);
    return { row, names, text: `${names.join(' ')} ${names.join(' ').replaceAll(' ', '')}` };
  });
  prepared.set(rows, made);
  return made;
}

export function matching(rows: readonly PickerRow[], typed: string): Matching {
  const wanted = plain(typed);
  const words = wanted.split(' ').filter((word) => word !== '');
  const found = known(rows).filter(({ text }) => words.every((word) => text.includes(word)));
  const begins = ({ names }: Known): boolean => names.some((name) => name.startsWith(wanted));
  const sorted =
    wanted === '' ? found : [...found.filter(begins), ...found.filter((entry) => !begins(entry))];
  return {
    rows: sorted.slice(0, MOST_ROWS).map(({ row }) => row),
    more: Math.max(0, sorted.length - MOST_ROWS),
    exact: wanted !== '' && found.some(({ names }) => names.includes(wanted)),
  };
}
