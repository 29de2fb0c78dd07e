/** Requests in the batch and in the queue over time. */
import type { SimRun } from '../../../core/run/simulation.ts';
import type { FigureSeries, FigureSpec } from '../../figure.ts';
import { formatNumber, formatValue } from '../../format.ts';
import { casesOf, clausesOf, courseNotes, simProvenance, type SimCase } from './subject.ts';
import { peakOf, shareAboveZero, thinned, timeMean, timesOf } from './time.ts';

const MAX_CASES = 4;

export function runningWaiting(run: SimRun): FigureSpec | null {
  const all = casesOf(run);
  const cases = all.slice(0, MAX_CASES);
  if (cases.length === 0) return null;
  return {
    id: 'sim_running_waiting',
    mark: 'line',
    title: 'Requests running and waiting',
    x: { label: 'Time', unit: 'ms', scale: 'linear', tight: true },
    y: { label: 'Requests', unit: '', scale: 'linear' },
    series: cases.flatMap(linesOf),
    definition:
      'Running: holding KV blocks and part of the engine’s batch. Waiting: arrived and not yet admitted, or preempted and ' +
      'not yet back. The largest value among samples that fall on one pixel is drawn.',
    finding: clausesOf(cases, clauseOf),
    ...simProvenance(
      run,
      courseNotes(all, cases, `Lines of more than ${MAX_CASES} points would hide each other.`),
    ),
  };
}

function linesOf({ label, first: { series } }: SimCase, index: number): FigureSeries[] {
  const times = timesOf(series);
  const line = (id: 'running' | 'waiting', name: string, colour: number): FigureSeries => ({
    id: `${id}:${label}`,
    label: label === '' ? name : `${name}, ${label}`,
    colour,
    step: true,
    ...(id === 'waiting' ? { dashed: true } : {}),
    points: thinned(series[id], 'max').map((y, i) => ({ x: times[i] ?? 0, y: y ?? 0 })),
  });
  const one = index === 0 && label === '';
  return [line('running', 'Running', one ? 0 : index), line('waiting', 'Waiting', one ? 1 : index)];
}

function clauseOf({ label, first: { series, summary } }: SimCase): string {
  const running = peakOf(series.running)?.value ?? 0;
  const waiting = peakOf(series.waiting)?.value ?? 0;
  const queued = shareAboveZero(series, series.waiting);
  const mean = timeMean(series, series.running) ?? summary.meanBatch;
  const name = label === '' ? '' : `${label}: `;
  const queue =
    waiting === 0
      ? 'nobody waited at a sample'
      : `up to ${formatNumber(waiting)} waited, and somebody did for ${formatValue(queued ?? 0, 'share')} of the time`;
  const text = `on average ${formatNumber(mean)} requests ran, at most ${formatNumber(running)}; ${queue}.`;
  return name === '' ? `${text.charAt(0).toUpperCase()}${text.slice(1)}` : `${name}${text}`;
}
