/** The quantiles that tails are read at, and how many samples each wants before it is more than a rough guess. */
export const TAIL_QUANTILES = [
  { p: 0.5, label: 'p50' },
  { p: 0.9, label: 'p90' },
  { p: 0.95, label: 'p95' },
  { p: 0.99, label: 'p99' },
  { p: 0.999, label: 'p99.9' },
] as const;

/** Ten samples beyond the quantile: 100 for p90, 1,000 for p99. */
export function samplesWanted(p: number): number {
  return Math.round(10 / (1 - p));
}

/** A sentence when there are too few samples to trust a quantile, else null. */
export function quantileWarning(n: number, p: number): string | null {
  const wanted = samplesWanted(p);
  return n >= wanted ? null : `Rough: ${n} samples, ${wanted} are wanted for this quantile.`;
}
