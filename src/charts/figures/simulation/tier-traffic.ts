/** Bytes between the GPU's memory and the tiers below it, over time. */
import type { SimRun, SimSeries } from '../../../core/run/simulation.ts';
import type { FigurePoint, FigureSeries, FigureSpec } from '../../figure.ts';
import { formatNumber, formatValue } from '../../format.ts';
import { casesOf, clausesOf, courseNotes, simProvenance, type SimCase } from './subject.ts';
import { sumOf, thinned, timesOf } from './time.ts';

const MAX_CASES = 4;
/** Traffic comes in bursts of a block or two; wider spans than a sample's show how much it is. */
const SPANS = 80;

const moved = ({ first: { series } }: SimCase): number =>
  sumOf(series.tierOutBytes) + sumOf(series.tierInBytes);

export function tierTraffic(run: SimRun): FigureSpec | null {
  const all = casesOf(run).filter((found) => moved(found) > 0);
  const cases = all.slice(0, MAX_CASES);
  if (cases.length === 0) return null;
  return {
    id: 'sim_tier_traffic',
    mark: 'line',
    title: 'Traffic of the lower tiers',
    x: { label: 'Time', unit: 'ms', scale: 'linear', tight: true },
    y: { label: 'Bytes a second', unit: 'GB/s', scale: 'linear' },
    series: cases.flatMap(({ label, first: { series } }, index) => [
      rateLine(series, 'tierOutBytes', label, 'Stored', index * 2, false),
      rateLine(series, 'tierInBytes', label, 'Loaded', index * 2 + 1, true),
    ]),
    definition:
      'Bytes of KV blocks that went down to a tier (stored) and came back from one (loaded) between two samples, over the ' +
      'time between them. 1 GB = 10⁹ bytes.',
    finding: clausesOf(cases, clauseOf),
    ...simProvenance(
      run,
      courseNotes(all, cases, `Lines of more than ${MAX_CASES} points would hide each other.`),
    ),
  };
}

function rateLine(
  series: SimSeries,
  column: 'tierOutBytes' | 'tierInBytes',
  label: string,
  name: string,
  colour: number,
  dashed: boolean,
): FigureSeries {
  const times = timesOf(series, SPANS);
  const bytes = thinned(series[column], 'sum', SPANS);
  const points = times.slice(1).flatMap((x, i): FigurePoint[] => {
    const span = x - (times[i] ?? 0);
    // What stands at a sample happened since the one before it.
    return span > 0 ? [{ x, y: (bytes[i + 1] ?? 0) / span / 1e6 }] : [];
  });
  return {
    id: `${column}:${label}`,
    label: label === '' ? name : `${name}, ${label}`,
    colour,
    ...(dashed ? { dashed } : {}),
    points,
  };
}

function clauseOf({ label, first: { series, tiers } }: SimCase): string {
  const out = formatValue(sumOf(series.tierOutBytes), 'bytes');
  const back = formatValue(sumOf(series.tierInBytes), 'bytes');
  const hits = tiers
    .map(({ kind, hitTokens }) => `${formatNumber(hitTokens)} tokens from ${kind}`)
    .join(', ');
  const name = label === '' ? '' : `${label}: `;
  return `${name}${out} were stored and ${back} loaded${hits === '' ? '' : `, which held ${hits}`}.`;
}
