import { describe, expect, test } from 'vitest';
import { figureRows } from '../../src/charts/describe.ts';
import { accessFigures, type AccessSource } from '../../src/charts/figures/accesses.ts';
import { layoutFigure, refuseLog } from '../../src/charts/layout.ts';
import { heatSteps } from '../../src/charts/layers/heatmap.ts';
import { renderSvg } from '../../src/charts/svg.ts';
import { accessProfile } from '../../src/core/metrics/accesses.ts';
import { demoAccessLog } from '../../src/core/metrics/accesses-demo.ts';
import { AccessRecorder } from '../../src/core/metrics/accesses-log.ts';

const SOURCE: AccessSource = {
  subtitle: 'A test',
  origin: 'simulated',
  notes: ['A note.'],
  source: { runId: 'test', command: null },
};

const profile = accessProfile(demoAccessLog(1000));
const figures = accessFigures(profile, SOURCE);
const figure = (id: string) => {
  const found = figures.find((spec) => spec.id === id);
  if (!found) throw new Error(`No figure ${id}.`);
  return found;
};

test('there is a figure for each part of the profile, and none for a part that it has not', () => {
  expect(figures.map(({ id }) => id)).toEqual([
    'accesses_heatmap',
    'accesses_hitrate',
    'accesses_reuse',
    'accesses_missratio',
  ]);
  const reuse = accessProfile(demoAccessLog(50), 'reuse');
  expect(accessFigures(reuse, SOURCE).map(({ id }) => id)).toEqual(['accesses_reuse']);
});

test('every figure is an SVG file that says what it shows and where it comes from', () => {
  for (const spec of figures) {
    const svg = renderSvg(spec);
    expect(svg).toContain('Simulated, run test');
    expect(svg).toContain('A note.');
    expect(svg).not.toMatch(/NaN|undefined/);
    expect(spec.finding).toMatch(/\.$/);
    expect(spec.definition.length).toBeGreaterThan(40);
  }
});

describe('the heat map', () => {
  const spec = figure('accesses_heatmap');

  test('has a point for each cell with accesses, and all of them', () => {
    const [series] = spec.series;
    expect(series?.points.reduce((sum, { z }) => sum + (z ?? 0), 0)).toBe(1000);
    expect(series?.points.every(({ z }) => (z ?? 0) > 0)).toBe(true);
  });

  test('draws one path a step, paler below, within the plot', () => {
    const { marks, hits, plot } = layoutFigure(spec, { width: 640 });
    const cells = marks.filter(({ role }) => role === 'cell');
    const opacities = cells.map((mark) => (mark.kind === 'path' ? (mark.opacity ?? 1) : NaN));
    expect(cells.length).toBeGreaterThan(1);
    expect(opacities).toEqual([...opacities].sort((a, b) => a - b));
    expect(opacities.at(-1)).toBe(1);
    expect(hits).toHaveLength(spec.series[0]?.points.length ?? -1);
    for (const { x, y } of hits) {
      expect(x > plot.left && x < plot.right && y > plot.top && y < plot.bottom).toBe(true);
    }
  });

  test('explains its colours, and has no log axis', () => {
    const { marks } = layoutFigure(spec, { width: 640 });
    const legend = marks.flatMap((mark) =>
      mark.kind === 'text' && mark.role === 'legend' ? [mark.text] : [],
    );
    expect(legend).toEqual(['Accesses', ...heatSteps(spec).map(({ label }) => label)]);
    expect(refuseLog(spec, 'x')).toMatch(/linear/);
    expect(layoutFigure(spec, { width: 640, yScale: 'log' }).scales.y).toBe('linear');
  });

  test('says in words what a cell counts', () => {
    expect(figureRows(spec)[0]).toMatchObject({
      value: expect.stringMatching(/^\d+$/),
      note: expect.stringMatching(/hits\.$/),
    });
  });

  test.each([
    [1, ['1']],
    [5, ['1', '2–3', '4–5']],
    [100, ['1–3', '4–15', '16–63', '64–100']],
  ])('steps up to %i', (most, labels) => {
    const points = [{ x: 0.5, y: 0.5, z: most }];
    expect(
      heatSteps({ ...spec, series: [{ id: 'a', label: '', colour: 0, points }] }).map(({ label }) => label),
    ).toEqual(labels);
  });

  test('of one moment and of no reuse can still be drawn', () => {
    const recorder = new AccessRecorder();
    recorder.record('a', 3, false);
    const lonely = accessFigures(accessProfile(recorder.log('')), SOURCE);
    // Recorded without depths.
    expect(lonely[3]?.notes?.join(' ')).toMatch(/suffix first is LRU/);
    expect(figure('accesses_missratio').notes).toEqual(['A note.']);
    for (const one of lonely) expect(renderSvg(one)).not.toMatch(/NaN|undefined/);
    expect(lonely[2]?.finding).toMatch(/No block is used twice/);
  });
});

test('curves that hide each other are named', () => {
  const [spec] = accessFigures(
    {
      summary: profile.summary,
      missRatio: {
        sizes: [1, 2],
        floor: 0.2,
        knowsDepth: true,
        sampledShare: 1,
        curves: [
          { policy: 'lru', missRatio: [0.6, 0.4] },
          { policy: 'fifo', missRatio: [0.6, 0.4] },
          { policy: 'sieve', missRatio: [0.6, 0.3] },
        ],
      },
    },
    SOURCE,
  );
  expect(spec?.notes).toEqual(['A note.', 'The same at every size, one line over the other: LRU, FIFO.']);
});

test('miss ratios of all policies can be told apart, and the optimum lies below', () => {
  const { series } = figure('accesses_missratio');
  expect(series).toHaveLength(11);
  expect(series[0]?.id).toBe('belady');
  const looks = series.map(({ colour, dashed, broad }) => `${colour} ${dashed === true} ${broad === true}`);
  expect(new Set(looks).size).toBe(11);
});
