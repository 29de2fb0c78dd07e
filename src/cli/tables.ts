/** Plain text for people: columns that line up. */
import { formatValue } from '../charts/index.ts';

/** Rows as lines, each column as wide as its widest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, at) =>
    Math.max(...rows.map((row) => row[at]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** Bytes in the binary unit that reads best; anything else as it stands. */
export function valueWithUnit(value: number, unit: string): string {
  return formatValue(value, unit === 'B' ? 'bytes' : unit);
}
