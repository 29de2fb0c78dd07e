/** The access profile in a few numbers with their meaning, and as a file. Pure. */
import { formatNumber, formatValue } from '../../../charts/format.ts';
import { ACCESS_DEFINITIONS, type AccessSummary } from '../../../core/metrics/accesses.ts';
import type { RecordedAccesses } from '../../../workers/sim-record.ts';

export interface AccessFact {
  readonly name: string;
  readonly value: string;
  readonly about: string;
}

const share = (value: number) => formatValue(value, 'share');
const distance = (blocks: number | null) => (blocks === null ? 'none' : `${formatNumber(blocks)} blocks`);

export function accessFacts(summary: AccessSummary): AccessFact[] {
  return [
    {
      name: 'Hit rate by blocks',
      value: share(summary.hitRatio),
      about: `${formatNumber(summary.hits)} of ${formatNumber(summary.accesses)} accesses, each to one full block (the table under Run counts tokens); with room for everything ${share(summary.unboundedHitRatio)}`,
    },
    {
      name: 'Blocks asked for',
      value: formatNumber(summary.blocks),
      about: `different ones; ${formatNumber(summary.blocksUsedOnce)} are used once`,
    },
    {
      name: 'Busiest tenth',
      value: share(summary.topTenthShare),
      about: 'of the accesses go to the tenth of the blocks that is used most',
    },
    {
      name: 'Median reuse distance',
      value: distance(summary.medianReuseDistance),
      about: `other blocks in between; nine in ten within ${distance(summary.p90ReuseDistance)}`,
    },
  ];
}

/** The profile as a file that says what it is of. */
export function accessJson({
  profile,
  title,
  pointLabel,
  replica,
  seed,
  costModel,
}: RecordedAccesses): string {
  const document = {
    kind: 'access-profile',
    origin: 'simulated',
    title,
    point: pointLabel,
    replica,
    seed,
    costModel,
    definitions: ACCESS_DEFINITIONS,
    ...profile,
  };
  return `${JSON.stringify(document, null, 1)}\n`;
}
