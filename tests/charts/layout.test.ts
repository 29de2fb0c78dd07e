import { describe, expect, it } from 'vitest';
import type { FigurePoint, FigureSeries, FigureSpec } from '../../src/charts/figure.ts';
import { layoutFigure, refuseLog, type FigureLayout } from '../../src/charts/layout.ts';
import { MAX_DOTS } from '../../src/charts/layers/strip.ts';
import type { PathMark, TextMark } from '../../src/charts/marks.ts';
import { textWidth } from '../../src/charts/text.ts';

function series(points: readonly FigurePoint[], more: Partial<FigureSeries> = {}): FigureSeries {
  return { id: 'a', label: 'a', colour: 0, points, ...more };
}

function spec(more: Partial<FigureSpec> = {}): FigureSpec {
  return {
    id: 'test',
    mark: 'line',
    title: 'A test',
    subtitle: '',
    x: { label: 'Requests', unit: '', scale: 'linear' },
    y: { label: 'Time', unit: 'ms', scale: 'linear' },
    series: [series([1, 2, 4].map((x) => ({ x, y: 10 * x, low: 9 * x, high: 12 * x })))],
    origin: 'assumed',
    definition: '',
    finding: '',
    source: { runId: 'r', command: null },
    ...more,
  };
}

function paths(layout: FigureLayout, role: string): PathMark[] {
  return layout.marks.filter((mark): mark is PathMark => mark.kind === 'path' && mark.role === role);
}

function texts(layout: FigureLayout, role: string): TextMark[] {
  return layout.marks.filter((mark): mark is TextMark => mark.kind === 'text' && mark.role === role);
}

const X_CATEGORIES = { label: 'KV format', unit: '', scale: 'category' } as const;

describe('layoutFigure', () => {
  it('puts points where the scales say', () => {
    const { hits, plot } = layoutFigure(spec(), { width: 640 });
    const [first, second, last] = hits;
    expect(hits).toHaveLength(3);
    expect(last?.x).toBeCloseTo(plot.right - 12);
    // 10, 20 and 40 ms over a zero at the plot's foot.
    expect((plot.bottom - (second?.y ?? 0)) / (plot.bottom - (first?.y ?? 0))).toBeCloseTo(2);
    expect((plot.bottom - (last?.y ?? 0)) / (plot.bottom - (first?.y ?? 0))).toBeCloseTo(4);
  });

  it('makes room for whole intervals', () => {
    const { plot, marks } = layoutFigure(spec(), { width: 640 });
    const whiskers = marks.filter(
      (mark): mark is PathMark => mark.role === 'whisker' && mark.kind === 'path',
    );
    expect(whiskers).toHaveLength(3);
    for (const { d } of whiskers) {
      for (const y of d.match(/(?<=,)[\d.]+/g) ?? []) {
        expect(Number(y)).toBeGreaterThanOrEqual(plot.top);
        expect(Number(y)).toBeLessThanOrEqual(plot.bottom);
      }
    }
  });

  it.each([240, 390, 640, 1280])('keeps every text and mark inside %d px', (width) => {
    const points = [128, 512, 1024, 2048, 4096].map((x) => ({ x, y: x * 1e6 }));
    const long = spec({
      y: { label: 'A rather long label of an axis that has to fit', unit: 'bytes', scale: 'linear' },
      series: ['one', 'a second with a long name', 'three'].map((label, colour) =>
        series(points, { label, colour }),
      ),
    });
    const layout = layoutFigure(long, { width });
    for (const mark of layout.marks) {
      if (mark.kind !== 'text') continue;
      const w = textWidth(mark.text, mark.size);
      const start = mark.anchor === 'start' ? mark.x : mark.anchor === 'middle' ? mark.x - w / 2 : mark.x - w;
      expect(start, mark.text).toBeGreaterThanOrEqual(-1);
      expect(start + w, mark.text).toBeLessThanOrEqual(width + 8);
      expect(mark.y).toBeLessThanOrEqual(layout.height);
    }
  });

  it.each([240, 390, 640])('lets no two x labels touch at %d px', (width) => {
    const values = [1, 2, 4, 8, 16, 32, 64, 128];
    const layout = layoutFigure(spec({ series: [series(values.map((x) => ({ x, y: x })))] }), { width });
    const labels = texts(layout, 'x-tick');
    expect(labels.at(-1)?.text).toBe('128');
    for (const [i, label] of labels.entries()) {
      const next = labels[i + 1];
      if (!next) continue;
      const reach = (textWidth(label.text, label.size) + textWidth(next.text, next.size)) / 2;
      expect(next.x - label.x).toBeGreaterThanOrEqual(reach);
    }
  });

  it.each([240, 390, 1280])('writes bins whole or not at all at %d px, the last one always', (width) => {
    const bins = [
      '0',
      '1',
      '2',
      '4',
      '8',
      '16',
      '32',
      '64',
      '128',
      '256',
      '512',
      '1,024',
      '2,048',
      'first use',
    ];
    const figure = spec({
      mark: 'bar',
      x: { label: 'From', unit: '', scale: 'category' },
      series: [series(bins.map((x, i) => ({ x, y: i })))],
    });
    const layout = layoutFigure(figure, { width });
    const labels = texts(layout, 'x-tick').toSorted((a, b) => a.x - b.x);
    const written = labels.map(({ text }) => text);
    expect([...bins, 'first', 'use']).toEqual(expect.arrayContaining(written));
    expect(written.at(-1)).toMatch(/use$/);
    expect(written.length).toBeGreaterThan(4);
    labels.slice(1).forEach((label, i) => {
      const before = labels[i];
      if (!before || before.y !== label.y) return;
      const room = (textWidth(before.text, before.size) + textWidth(label.text, label.size)) / 2;
      expect(label.x - before.x).toBeGreaterThanOrEqual(room - 0.1);
    });
  });

  it('breaks the line at a failed point and marks it with a cross, never at zero', () => {
    const points: FigurePoint[] = [
      { x: 1, y: 10 },
      { x: 2, y: null, reason: 'Out of memory.' },
      { x: 4, y: 40 },
      { x: 8, y: 80 },
    ];
    const layout = layoutFigure(spec({ series: [series(points)] }), { width: 640 });
    expect(paths(layout, 'line')[0]?.d.match(/M/g)).toHaveLength(2);
    expect(paths(layout, 'gap')).toHaveLength(1);
    expect(paths(layout, 'marker')).toHaveLength(3);
    expect(layout.hits.filter(({ pointIndex }) => pointIndex === 1)).toHaveLength(1);
  });

  it('draws one neutral cross where every series failed, and one of its colour where one did', () => {
    const failed = { x: 2, y: null, reason: 'Out of memory.' };
    const [a, b] = [
      series([{ x: 1, y: 1 }, failed]),
      series([{ x: 1, y: 2 }, failed], { id: 'b', colour: 1 }),
    ];
    const all = paths(layoutFigure(spec({ series: [a, b] }), { width: 640 }), 'gap');
    expect(all.map(({ stroke }) => stroke)).toEqual(['muted']);
    const well = series([
      { x: 1, y: 1 },
      { x: 2, y: 3 },
    ]);
    const one = paths(layoutFigure(spec({ series: [well, b] }), { width: 640 }), 'gap');
    expect(one.map(({ stroke }) => stroke)).toEqual(['series-1']);
  });

  it('says so when no point succeeded', () => {
    const nothing = spec({ series: [series([{ x: 1, y: null, reason: 'no' }])] });
    expect(texts(layoutFigure(nothing, { width: 640 }), 'empty')[0]?.text).toBe('No point succeeded.');
  });

  it('refuses log with a zero and draws linear', () => {
    const zero = spec({
      series: [
        series([
          { x: 1, y: 0 },
          { x: 2, y: 3 },
        ]),
      ],
    });
    const layout = layoutFigure(zero, { width: 640, yScale: 'log' });
    expect(layout.scales.y).toBe('linear');
    expect(layout.refusals.y).toContain('cannot show zero or less');
    expect(refuseLog(zero, 'y')).toBe(layout.refusals.y);
    expect(refuseLog(zero, 'x')).toBeNull();
  });

  it('cuts an interval that reaches zero at the foot of a log axis', () => {
    const low = spec({
      series: [
        series([
          { x: 1, y: 2, low: -1, high: 3 },
          { x: 2, y: 4 },
        ]),
      ],
    });
    const layout = layoutFigure(low, { width: 640, yScale: 'log' });
    expect(layout.scales.y).toBe('log');
    expect(paths(layout, 'whisker')[0]?.d).toContain(`,${layout.plot.bottom}`);
  });

  it('draws the other run hollow and dashed, in the same colour', () => {
    const other = series(
      [
        { x: 1, y: 5 },
        { x: 2, y: 6 },
      ],
      { id: 'b', dashed: true },
    );
    const layout = layoutFigure(spec({ series: [other] }), { width: 640 });
    expect(paths(layout, 'line')[0]).toMatchObject({ stroke: 'series-0', dash: '5 3' });
    expect(paths(layout, 'marker')[0]?.fill).toBe('surface');
  });

  it('gives each series its own marker', () => {
    const points = [{ x: 1, y: 1 }];
    const eight = Array.from({ length: 8 }, (_, colour) => series(points, { id: String(colour), colour }));
    const shapes = paths(layoutFigure(spec({ series: eight }), { width: 640 }), 'marker').map(({ d }) => d);
    expect(new Set(shapes).size).toBe(8);
  });

  it('leaves fits out of hits and markers', () => {
    const fit = series(
      [
        { x: 1, y: 1 },
        { x: 4, y: 4 },
      ],
      { id: 'fit', role: 'fit' },
    );
    const layout = layoutFigure(spec({ series: [fit, series([{ x: 1, y: 1 }])] }), { width: 640 });
    expect(paths(layout, 'fit')).toHaveLength(1);
    expect(layout.hits.map(({ seriesIndex }) => seriesIndex)).toEqual([1]);
  });

  it('draws a reference inside the plot', () => {
    const layout = layoutFigure(spec({ references: [{ y: 300, label: 'peak' }] }), { width: 640 });
    expect(paths(layout, 'reference')).toHaveLength(1);
    expect(texts(layout, 'reference')[0]?.y).toBeGreaterThanOrEqual(layout.plot.top - 6);
  });
});

describe('bars', () => {
  const bars = spec({
    mark: 'bar',
    x: X_CATEGORIES,
    series: [series(['f16', 'int8', 'int4'].map((x, i) => ({ x, y: 10 + 10 * i })))],
  });

  it('stand on zero', () => {
    const layout = layoutFigure(bars, { width: 640 });
    const heights = paths(layout, 'bar').map(({ d }) => {
      const [foot = 0, top = 0] = (d.match(/(?<=,|V)[\d.]+/g) ?? []).map(Number);
      return foot - top;
    });
    expect((heights[1] ?? 0) / (heights[0] ?? 1)).toBeCloseTo(2, 1);
    expect((heights[2] ?? 0) / (heights[0] ?? 1)).toBeCloseTo(3, 1);
  });

  it('become markers on a log axis, which has no zero', () => {
    const layout = layoutFigure(bars, { width: 640, yScale: 'log' });
    expect(paths(layout, 'bar')).toHaveLength(0);
    expect(paths(layout, 'marker')).toHaveLength(3);
  });
});

describe('distributions', () => {
  const values = Array.from({ length: 1000 }, (_, i) => i + 1);
  const cdf = spec({
    mark: 'cdf',
    x: { label: 'Latency', unit: 'ms', scale: 'linear' },
    y: { label: 'Share', unit: 'share', scale: 'linear' },
    series: [
      series([{ x: 500, y: 0.5, label: 'p50', low: 480, high: 520 }], { samples: [{ x: null, values }] }),
    ],
  });

  it('climb from 0 to 100 %', () => {
    const layout = layoutFigure(cdf, { width: 640 });
    const d = paths(layout, 'line')[0]?.d ?? '';
    expect(d).toMatch(/^M/);
    expect(d.endsWith(`V${layout.plot.top}`)).toBe(true);
    expect(layout.hits).toHaveLength(1);
    expect((layout.hits[0]?.y ?? 0) - layout.plot.top).toBeCloseTo(
      (layout.plot.bottom - layout.plot.top) / 2,
    );
  });

  it('show their tail on a log axis', () => {
    const layout = layoutFigure(cdf, { width: 640, yScale: 'log' });
    expect(layout.scales.y).toBe('log');
    expect(layout.refusals.y).toBeNull();
    expect(layout.spec.y.label).toBe('Share slower than x');
    expect(texts(layout, 'y-tick').map(({ text }) => text)).toEqual(['0.1', '1', '10', '100']);
  });

  it('draw a cloud with both extremes and at most so many dots', () => {
    const many = Array.from({ length: 5000 }, (_, i) => 1 + (i % 997));
    const strip = spec({
      mark: 'strip',
      x: X_CATEGORIES,
      series: [series([{ x: 'a', y: 500, label: 'p50' }], { samples: [{ x: 'a', values: many }] })],
    });
    const layout = layoutFigure(strip, { width: 640 });
    const dots = paths(layout, 'cloud')[0]?.d.match(/M[^h]+/g) ?? [];
    expect(dots).toHaveLength(MAX_DOTS);
    const heights = dots.map((dot) => Number(dot.split(',')[1]));
    const zeroToTop = (value: number) =>
      layout.plot.bottom - (value / 1000) * (layout.plot.bottom - layout.plot.top);
    expect(Math.max(...heights)).toBeCloseTo(zeroToTop(1), 0);
    expect(Math.min(...heights)).toBeCloseTo(zeroToTop(997), 0);
    expect(layoutFigure(strip, { width: 640 })).toEqual(layout);
  });
});
