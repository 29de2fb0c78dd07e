/** Numbers of the memory's sentences and formulas: decimal gigabytes, counts with thousands apart. */

export function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(2)} GB`;
}

/** A whole number, thousands apart by commas, the same in every locale. */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}
