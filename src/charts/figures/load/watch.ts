/** A watch over time: the server's batch and queue, its KV cache, and what its counters rose by. */
import type { Telemetry, WatchRun } from '../../../core/run/load.ts';
import type { FigurePoint, FigureSpec } from '../../figure.ts';
import { formatNumber } from '../../format.ts';
import { kvUse, runningWaiting } from './course.ts';
import { watchProvenance } from './subject.ts';

export function watchFigures(run: WatchRun): FigureSpec[] {
  const shared = watchProvenance(run);
  return [runningWaiting(run.samples, shared), kvUse(run.samples, shared), rates(run)].flatMap(
    (spec) => spec ?? [],
  );
}

/** Between two looks; a counter that fell began anew and has no rate there. */
function riseRates(samples: readonly Telemetry[], counter: 'outputTokens' | 'promptTokens'): FigurePoint[] {
  return samples.slice(1).flatMap((now, i) => {
    const before = samples[i];
    const [from, to] = [before?.[counter] ?? null, now[counter]];
    const seconds = (now.atMs - (before?.atMs ?? now.atMs)) / 1000;
    return from === null || to === null || to < from || seconds <= 0
      ? []
      : [{ x: now.atMs, y: (to - from) / seconds }];
  });
}

function rates(run: WatchRun): FigureSpec | null {
  const [output, prompt] = [riseRates(run.samples, 'outputTokens'), riseRates(run.samples, 'promptTokens')];
  const series = [
    { id: 'output', label: 'Output tokens', colour: 0, step: true, points: output },
    { id: 'prompt', label: 'Prompt tokens', colour: 1, step: true, points: prompt },
  ].filter(({ points }) => points.length > 1);
  if (series.length === 0) return null;
  const most = output.reduce((best, { y }) => Math.max(best, y ?? 0), 0);
  return {
    id: 'watch_rates',
    mark: 'line',
    title: 'Tokens a second, as the server counts',
    x: { label: 'Time', unit: 'ms', scale: 'linear', tight: true },
    y: { label: 'Tokens a second', unit: 'tok/s', scale: 'linear' },
    series,
    definition:
      'What the server’s counters rose by between two looks, over the time between them. Some servers count a request’s tokens when it ends.',
    finding: `At most ${formatNumber(most)} output tokens a second between two looks.`,
    ...watchProvenance(run),
  };
}
