/** fig10: KV memory of N sequences with and without a prefix that they share. */
import type { LabRun } from '../../core/run/schema.ts';
import type { FigureSpec } from '../figure.ts';
import { formatNumber, formatValue } from '../format.ts';
import { bytesPerUnit, kindSeries, MEMORY_DEFINITION, peakMemory } from './memory.ts';
import { isSwept, numberBehind, PATHS, provenance, slicesAlong, type Slice } from './subject.ts';
import { sentence, type Clause } from './words.ts';

export function sharedPrefixMemory(run: LabRun): FigureSpec | null {
  const shares = isSwept(run, PATHS.sharedPrefix) || run.scenario.workload.sharedPrefixTokens > 0;
  if (!shares || !isSwept(run, PATHS.concurrency)) return null;
  const slices = slicesAlong(run, PATHS.concurrency);
  return {
    id: 'fig10_mem_vs_shared_prefix',
    mark: 'line',
    title: 'KV memory of sequences that share a prefix',
    x: { label: 'Sequences', unit: '', scale: 'linear' },
    y: { label: 'Used at the peak', unit: 'bytes', scale: 'linear' },
    series: slices.map((slice, colour) => kindSeries(slice, 'used', slice.label || 'used', colour)),
    definition: `${MEMORY_DEFINITION} Under paging, the blocks of a shared prefix are stored once.`,
    finding: sentence(findings(run, slices)),
    ...provenance(run),
  };
}

function findings(run: LabRun, slices: readonly Slice[]): Clause[] {
  const prefixOf = ({ settings }: Slice) => {
    const setting = settings[PATHS.sharedPrefix];
    const known = run.scenario.workload.sharedPrefixTokens;
    return setting === undefined ? known : numberBehind(run, PATHS.sharedPrefix, setting);
  };
  const alone = slices.find((slice) => prefixOf(slice) === 0);
  const lastUsed = (slice: Slice | undefined) => {
    const last = slice?.points.at(-1);
    return last ? { x: last.x, used: peakMemory(last.point)?.used ?? null } : null;
  };
  return slices.flatMap((slice) => {
    const slope = bytesPerUnit(slice);
    if (slope === null) return [];
    const [mine, base] = [lastUsed(slice), lastUsed(alone)];
    const compared =
      slice !== alone && mine?.used && base?.used && mine.x === base.x
        ? `, and ${mine.x} sequences use ${formatNumber(mine.used / base.used)} × the memory of unshared ones`
        : '';
    return [
      { label: slice.label, text: `each further sequence uses ${formatValue(slope, 'bytes')}${compared}` },
    ];
  });
}
