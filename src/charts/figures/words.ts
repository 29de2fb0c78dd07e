/** Findings in plain words: numbers with their interval, and what is said when there is too little to say. */
import { formatInterval, formatValue } from '../format.ts';
import type { Estimate } from './statistics.ts';

/** One part of a finding: the slice it speaks of ('' for the only one) and its clause. */
export interface Clause {
  readonly label: string;
  readonly text: string;
}

/** `1.92 [1.88 to 1.95]`, or `1.92 [no interval, n = 2]`. */
export function estimateWords(estimate: Estimate, unit: string): string {
  const { value, interval, samples } = estimate;
  if (value === null) return 'nothing';
  const text = formatValue(value, unit);
  if (interval === null) return `${text} [no interval, n = ${samples}]`;
  return `${text} [${formatInterval(interval.low, interval.high, unit).replace(/\u00a0×$/, '')}]`;
}

/** True when the interval leaves `value` out, so that a difference may be claimed. */
export function excludes({ interval }: Estimate, value: number): boolean {
  return interval !== null && (interval.low > value || interval.high < value);
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
  const brackets = / to [^\]]*\]/.test(joined) ? '; brackets hold 95\u00a0% intervals' : '';
  // A slice's name is written as it is: f16 is not F16.
  const start = clauses[0]?.label === '' ? joined.charAt(0).toUpperCase() : joined.charAt(0);
  return `${start}${joined.slice(1)}${brackets}.`;
}
