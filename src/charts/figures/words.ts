/** Findings in plain words: numbers with their interval, and what is said when there is too little to say. */
import { formatInterval, formatNumber, formatValue } from '../format.ts';
import type { Estimate } from './statistics.ts';

/** One part of a finding: the slice it speaks of ('' for the only one) and its clause. */
export interface Clause {
  readonly label: string;
  readonly text: string;
}

/** `1.92 [1.88 to 1.95]`, or `1.92 [no interval, n = 2]`. */
export function estimateWords(estimate: Estimate, unit: string): string {
  const value = unit === '' ? formatNumber(estimate.value) : formatValue(estimate.value, unit);
  const { low, high, n } = estimate;
  return low === null || high === null
    ? `${value} [no interval, n = ${n}]`
    : `${value} [${formatInterval(low, high, unit).replace(/\u00a0×$/, '')}]`;
}

/** True when the interval leaves `value` out, so that a difference may be claimed. */
export function excludes({ low, high }: Estimate, value: number): boolean {
  return low !== null && high !== null && (low > value || high < value);
}

/** Beyond this many slices a sentence would no longer be read. */
const MAX_CLAUSES = 3;

/** One sentence: each slice's clause behind its name, and what the brackets are. */
export function sentence(clauses: readonly Clause[]): string {
  if (clauses.length === 0) return 'No point has enough samples for a finding.';
  const shown = clauses
    .slice(0, MAX_CLAUSES)
    .map(({ label, text }) => (label === '' ? text : `${label}: ${text}`));
  const joined = shown.join('; ');
  const brackets = / to [^\]]*\]/.test(joined) ? '; brackets hold 95 % intervals' : '';
  return `${joined.charAt(0).toUpperCase()}${joined.slice(1)}${brackets}.`;
}
