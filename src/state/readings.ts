/** The measurements of a check as the card shows them: in groups, each as a number and a unit. */
import { displayUnit, formatNumber } from '../charts/format.ts';
import type { CheckMeasurement, CheckRun } from '../core/run/schema.ts';

export interface ReadingGroup {
  readonly title: string;
  readonly readings: readonly CheckMeasurement[];
}

/** In the order of the card; the first that fits an id takes it. */
const GROUPS: readonly { readonly title: string; readonly fits: RegExp }[] = [
  { title: 'Attention by KV format', fits: /decode|attention/ },
  { title: 'Clock and overheads', fits: /overhead|quantum|latency/ },
  { title: 'Memory', fits: /bandwidth|copy|read|pool|memory/ },
  { title: 'Arithmetic', fits: /fma|flop/ },
  { title: 'Clock and overheads', fits: /./ },
];

/** Groups in the order of people's interest: bandwidth and arithmetic first, the clock last. */
const ORDER = ['Memory', 'Arithmetic', 'Attention by KV format', 'Clock and overheads'];

export function readingGroups(run: CheckRun): readonly ReadingGroup[] {
  const taken = new Map<string, CheckMeasurement[]>();
  for (const measurement of run.measurements) {
    const title = GROUPS.find(({ fits }) => fits.test(measurement.id))?.title ?? '';
    taken.set(title, [...(taken.get(title) ?? []), measurement]);
  }
  return ORDER.flatMap((title) => {
    const readings = taken.get(title);
    return readings === undefined ? [] : [{ title, readings }];
  });
}

/** A value in the unit that reads best; null where nothing was measured. */
export function showReading({ value, unit }: CheckMeasurement): { number: string; unit: string } | null {
  if (value === null) return null;
  const shown = displayUnit(unit === 'B' ? 'bytes' : unit, value);
  return { number: formatNumber(value / shown.divisor), unit: shown.suffix };
}
