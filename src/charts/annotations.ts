/** What is drawn on a plot beside its series: levels and values to compare with, events, and a word where nothing is. */
import type { AxisScale } from './axis.ts';
import type { FigureSpec } from './figure.ts';
import type { Plot } from './layers/layer.ts';
import { round, segment, type Mark } from './marks.ts';
import { textWidth, truncateText } from './text.ts';

/** px of the labels, as of the ticks. */
export const TICK_SIZE = 11;

export function referenceMarks(spec: FigureSpec, y: AxisScale, plot: Plot): Mark[] {
  return (spec.references ?? []).flatMap((reference): Mark[] => {
    const at = y.at(reference.y);
    if (at === null) return [];
    const text = truncateText(reference.label, TICK_SIZE, plot.right - plot.left);
    const place = { x: plot.right, y: round(at - 5), anchor: 'end' as const };
    return [
      {
        kind: 'path',
        role: 'reference',
        d: segment(plot.left, at, plot.right, at),
        stroke: 'ink',
        fill: 'none',
        strokeWidth: 1,
        dash: '2 3',
      },
      { kind: 'text', role: 'reference', ...place, text, fill: 'ink', size: TICK_SIZE },
    ];
  });
}

/** Lines at values of x, their labels at the foot of the plot beside them. */
export function uprightMarks(spec: FigureSpec, x: AxisScale, plot: Plot): Mark[] {
  return (spec.uprights ?? []).flatMap((upright): Mark[] => {
    const at = x.at(upright.x);
    if (at === null) return [];
    const text = truncateText(upright.label, TICK_SIZE, plot.right - plot.left);
    const before = at + 6 + textWidth(text, TICK_SIZE) > plot.right;
    const place = { x: round(at + (before ? -5 : 5)), y: round(plot.bottom - 8) };
    const d = segment(at, plot.top, at, plot.bottom);
    const anchor = before ? ('end' as const) : ('start' as const);
    return [
      { kind: 'path', role: 'reference', d, stroke: 'ink', fill: 'none', strokeWidth: 1, dash: '2 3' },
      { kind: 'text', role: 'reference', ...place, anchor, text, fill: 'ink', size: TICK_SIZE },
    ];
  });
}

const EVENT_TICK = 7;

/** One path for all events, and their name at the head of the plot. */
export function eventMarks({ events }: FigureSpec, x: AxisScale, plot: Plot): Mark[] {
  if (events === undefined || events.at.length === 0) return [];
  const d = events.at
    .flatMap((value) => x.at(value) ?? [])
    .map((at) => segment(at, plot.top - EVENT_TICK, at, plot.top - 1))
    .join('');
  const text = truncateText(`| ${events.label}`, TICK_SIZE, (plot.right - plot.left) * 0.6);
  const place = { x: plot.right, y: round(plot.top - EVENT_TICK - 5), anchor: 'end' as const };
  return [
    { kind: 'path', role: 'event', d, stroke: 'ink', fill: 'none', strokeWidth: 1 },
    { kind: 'text', role: 'event', ...place, text, fill: 'ink', size: TICK_SIZE },
  ];
}

export function emptyMarks(spec: FigureSpec, plot: Plot): Mark[] {
  if (spec.series.some((series) => series.points.some((point) => point.y !== null))) return [];
  const place = {
    x: (plot.left + plot.right) / 2,
    y: (plot.top + plot.bottom) / 2,
    anchor: 'middle' as const,
  };
  return [{ kind: 'text', role: 'empty', ...place, text: 'No point succeeded.', fill: 'muted', size: 13 }];
}
