/**
 * CSV as RFC 4180 has it: comma, CRLF, quotes doubled.
 *
 * A text cell that a spreadsheet would take for a formula (= + - @, tab, carriage return at its front) gets an apostrophe
 * before it; numbers are written as numbers. https://owasp.org/www-community/attacks/CSV_Injection
 */

export type Cell = string | number | boolean | null;

function text(cell: string): string {
  const safe = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function field(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell === 'number') return Number.isFinite(cell) ? String(cell) : '';
  return typeof cell === 'boolean' ? String(cell) : text(cell);
}

/** A header row and rows; null and numbers that are not finite become empty fields. */
export function toCsv(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [header, ...rows].map((row) => `${row.map(field).join(',')}\r\n`).join('');
}

/** The fields of a CSV text, for tests and imports: quotes, doubled quotes and line breaks inside them. */
export function fromCsv(csv: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let quoted = false;
  const endRow = () => {
    rows.push([...row, cell]);
    row = [];
    cell = '';
  };
  for (let i = 0; i < csv.length; i++) {
    const c = csv.charAt(i);
    if (quoted) {
      if (c !== '"') cell += c;
      else if (csv.charAt(i + 1) === '"') cell += csv.charAt(i++);
      else quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === ',') {
      row.push(cell);
      cell = '';
    } else if (c === '\n') endRow();
    else if (c !== '\r') cell += c;
  }
  if (cell !== '' || row.length > 0) endRow();
  return rows;
}
