/** KV blocks over time: in use, given but empty, kept for reuse, free; preemptions at the head of the plot. */
import type { SimRun, SimSeries } from '../../../core/run/simulation.ts';
import type { FigureSeries, FigureSpec } from '../../figure.ts';
import { formatLike, formatNumber, formatValue } from '../../format.ts';
import { casesOf, courseNotes, simProvenance, type SimCase } from './subject.ts';
import { fullest, peakOf, sumOf } from './time.ts';

/** More pools than these, one below the other, are no figure any more. */
const MAX_POOLS = 4;

const PARTS = ['activeBlocks', 'cachedBlocks', 'freeBlocks'] as const;

export function kvOverTime(run: SimRun): FigureSpec[] {
  const cases = casesOf(run);
  const shown = cases.length <= MAX_POOLS ? cases : cases.filter((_, i) => i === 0 || i === cases.length - 1);
  return shown.map((found, index) => {
    // Each pool is a figure: those that have none are named once, the seed in every one.
    const why = `Of more than ${MAX_POOLS} points the first and the last are drawn.`;
    const notes = courseNotes(index === 0 ? cases : [found], index === 0 ? shown : [found], why);
    return kvFigure(run, found, index, notes);
  });
}

function kvFigure(run: SimRun, found: SimCase, index: number, notes: readonly string[]): FigureSpec {
  const { series } = found.first;
  const preempted = series.timeMs.filter((_, i) => (series.preemptions[i] ?? 0) > 0);
  const suffix = found.label === '' ? '' : `, ${found.label}`;
  return {
    id: `sim_kv_over_time${index === 0 ? '' : `_${index + 1}`}`,
    mark: 'stack',
    title: `KV blocks over time${suffix}`,
    x: { label: 'Time', unit: 'ms', scale: 'linear', tight: true },
    y: { label: 'KV blocks', unit: 'blocks', scale: 'linear' },
    series: layers(series),
    events: { label: 'preemptions', at: preempted.flatMap((time) => time ?? []) },
    definition:
      'Every block of the pool is one of these. In use: a running request refers to it, its empty slots counted apart ' +
      'as wasted. Cached: nobody refers to it, but a later prompt can still find its contents; it is given away when ' +
      'free blocks run out. Free: empty. Of samples that fall on one pixel the fullest is drawn.',
    finding: findingOf(found),
    ...simProvenance(run, notes),
  };
}

/** Wasted slots belong to active blocks, so what is drawn of those is what holds tokens. */
function layers(series: SimSeries): FigureSeries[] {
  // Of two samples at one moment the later holds.
  const at = fullest(series, ['activeBlocks']).filter((i) => series.timeMs[i] !== series.timeMs[i + 1]);
  const layer = (
    id: string,
    label: string,
    colour: number,
    read: (i: number) => number | null,
  ): FigureSeries => ({
    id,
    label,
    colour,
    step: true,
    points: at.map((i) => ({ x: series.timeMs[i] ?? 0, y: read(i) })),
  });
  const wasted = (i: number) => series.wastedBlocks[i] ?? 0;
  return [
    layer('active', 'In use', 0, (i) => Math.max(0, (series.activeBlocks[i] ?? 0) - wasted(i))),
    layer('wasted', 'Wasted', 1, wasted),
    layer('cached', 'Cached', 2, (i) => series.cachedBlocks[i] ?? 0),
    layer('free', 'Free', 6, (i) => series.freeBlocks[i] ?? 0),
  ];
}

function findingOf({ first: { series, summary } }: SimCase): string {
  const peak = peakOf(series.activeBlocks);
  if (peak === null) return 'No sample was taken.';
  const total = PARTS.reduce((sum, part) => sum + (series[part][peak.index] ?? 0), 0) || summary.kvBlocks;
  const most = Math.max(peak.value, summary.peakKvBlocks);
  const share = total > 0 ? ` (${formatValue(most / total, 'share')})` : '';
  const waste = formatValue(summary.fragmentation, 'share');
  const when = formatLike(series.timeMs[peak.index] ?? 0, 'ms', series.timeMs.at(-1) ?? 0);
  const preemptions = Math.max(summary.preemptions, sumOf(series.preemptions));
  return `At most ${formatNumber(most)} of ${formatNumber(total)} blocks${share} were in use, around ${when}; ${waste} of the slots given out held no token, and ${preemptedWords(preemptions, summary.recomputedTokens)}.`;
}

function preemptedWords(preemptions: number, lostTokens: number): string {
  if (preemptions === 0) return 'nothing was preempted';
  const times = `${formatNumber(preemptions)} ${preemptions === 1 ? 'preemption' : 'preemptions'}`;
  if (lostTokens === 0) return `there ${preemptions === 1 ? 'was' : 'were'} ${times}`;
  return `${times} had ${formatNumber(lostTokens)} ${lostTokens === 1 ? 'token' : 'tokens'} computed again`;
}
