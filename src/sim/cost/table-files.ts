/**
 * The two text formats of a profile: CSV with named columns, and the part of YAML in which its description is written.
 *
 * CSV: numbers and plain words, never quoted, so a line is split at its commas.
 * YAML: nested `key: value` by indentation, values kept as text. Lists that follow a key line by line are passed over;
 * nothing here needs one. A library would read the whole language for five words of a file that one program writes.
 */

/** A file of a profile that is not what it should be. */
export class ProfileError extends Error {
  readonly code = 'profile';
  readonly file: string;
  /** Counts from 1; 0: the file as a whole. */
  readonly line: number;
  constructor(file: string, line: number, reason: string) {
    super(line > 0 ? `${file}, line ${line}: ${reason}` : `${file} ${reason}`);
    this.name = 'ProfileError';
    this.file = file;
    this.line = line;
  }
}

export const PROFILE_BOUNDS = { characters: 100_000_000, rows: 1_000_000, value: 1e9 } as const;

export interface CsvRow {
  readonly line: number;
  /** A word of a column. */
  word(column: string): string;
  /** A number of a column, 0 or more. @throws ProfileError */
  number(column: string): number;
}

function checkSize(file: string, text: string): void {
  if (text.length > PROFILE_BOUNDS.characters) {
    throw new ProfileError(
      file,
      0,
      `has ${text.length} characters; ${PROFILE_BOUNDS.characters} are the most.`,
    );
  }
}

/**
 * Rows of a CSV file whose header names at least `columns`.
 * @throws ProfileError
 */
export function csvRows(file: string, text: string, columns: readonly string[]): CsvRow[] {
  checkSize(file, text);
  const lines = text.split('\n');
  const header = (lines[0] ?? '').trim().split(',');
  const missing = columns.find((column) => !header.includes(column));
  if (missing !== undefined) {
    const has = header.join(', ').slice(0, 120);
    throw new ProfileError(file, 1, `there is no column ${missing}; the columns are ${has || 'none'}.`);
  }
  const places = new Map(header.map((name, at) => [name, at]));
  const rows: CsvRow[] = [];
  lines.forEach((raw, at) => {
    const line = raw.trim();
    if (at === 0 || line === '') return;
    if (rows.length >= PROFILE_BOUNDS.rows)
      throw new ProfileError(file, at + 1, `${PROFILE_BOUNDS.rows} rows are the most.`);
    rows.push(csvRow(file, at + 1, line.split(','), header.length, places));
  });
  if (rows.length === 0) throw new ProfileError(file, 0, 'has a header and no rows.');
  return rows;
}

function csvRow(
  file: string,
  line: number,
  fields: readonly string[],
  width: number,
  places: ReadonlyMap<string, number>,
): CsvRow {
  if (fields.length !== width) {
    throw new ProfileError(file, line, `it has ${fields.length} fields; the header has ${width}.`);
  }
  const word = (column: string): string => fields[places.get(column) ?? -1]?.trim() ?? '';
  return {
    line,
    word,
    number(column) {
      const text = word(column);
      const value = text === '' ? NaN : Number(text);
      if (value >= 0 && value <= PROFILE_BOUNDS.value) return value;
      throw new ProfileError(
        file,
        line,
        `${column} is “${text.slice(0, 40)}”; a number from 0 to ${PROFILE_BOUNDS.value} is needed.`,
      );
    },
  };
}

export interface YamlMap {
  readonly [key: string]: string | YamlMap;
}

/** @throws ProfileError at a line that is neither a key nor part of a list */
export function readYamlMap(file: string, text: string): YamlMap {
  checkSize(file, text);
  const root: Record<string, string | YamlMap> = Object.create(null);
  /** Maps that are open, outermost first, with the indentation of their keys. */
  const open: { indent: number; map: Record<string, string | YamlMap> }[] = [{ indent: 0, map: root }];
  text.split('\n').forEach((raw, at) => {
    const line = raw.replace(/\s+#.*$/, '').trimEnd();
    const content = line.trimStart();
    if (content === '' || content.startsWith('#') || /^(- |-$|[\]}]|---|\.\.\.)/.test(content)) return;
    const match = /^(?:'([^']*)'|"([^"]*)"|([^\s:'"][^:]*)):(?:\s+(.*))?$/.exec(content);
    // A value that goes on in the next line, as long lists do.
    if (!match && line.length > content.length) return;
    if (!match)
      throw new ProfileError(file, at + 1, `“${content.slice(0, 40)}” is not a key with a colon behind it.`);
    const key = match[1] ?? match[2] ?? match[3] ?? '';
    const indent = line.length - content.length;
    while (open.length > 1 && indent < (open.at(-1)?.indent ?? 0)) open.pop();
    const map = open.at(-1)?.map ?? root;
    if (match[4] !== undefined) {
      map[key] = match[4].replace(/^(['"])(.*)\1$/, '$2');
      return;
    }
    const nested: Record<string, string | YamlMap> = Object.create(null);
    map[key] = nested;
    open.push({ indent: indent + 1, map: nested });
  });
  return root;
}

/** What stands under keys within keys, or undefined. */
export function yamlText(map: YamlMap, ...path: readonly string[]): string | undefined {
  let at: string | YamlMap | undefined = map;
  for (const key of path) {
    if (at === undefined || typeof at === 'string') return undefined;
    at = at[key];
  }
  return typeof at === 'string' ? at : undefined;
}
