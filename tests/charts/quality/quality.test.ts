import { describe, expect, it } from 'vitest';
import { figureRows } from '../../../src/charts/describe.ts';
import { figuresFor } from '../../../src/charts/figures/index.ts';
import { heatSteps } from '../../../src/charts/layers/heatmap.ts';
import { layoutFigure } from '../../../src/charts/layout.ts';
import { renderSvg } from '../../../src/charts/svg.ts';
import { SERIES_COLOURS } from '../../../src/charts/theme.ts';
import { qualityRun } from '../../support/quality-run.ts';

const find = (specs: ReturnType<typeof figuresFor>, id: string) => {
  const spec = specs.find((one) => one.id === id);
  if (!spec) throw new Error(`no figure ${id} among ${specs.map((one) => one.id).join(', ')}`);
  return spec;
};

describe('the figures of a quality run', () => {
  const run = qualityRun();
  const specs = figuresFor(run);

  it('are drawn at a phone’s width and have unique ids, a finding and a source', () => {
    expect(specs.length).toBeGreaterThan(6);
    expect(new Set(specs.map(({ id }) => id)).size).toBe(specs.length);
    for (const spec of specs) {
      expect(spec.finding).toMatch(/\.$/);
      expect(spec.source.runId).toBe(run.id);
      for (const mark of layoutFigure(spec, { width: 350 }).marks) {
        if (mark.kind === 'text') expect(mark.x).toBeLessThanOrEqual(350);
        else expect(mark.d).not.toContain('NaN');
      }
      expect(renderSvg(spec)).toContain('<svg');
    }
  });

  it('draw the Pareto front as a line and caches as markers without one', () => {
    const spec = find(specs, 'quality_kldivergence_vs_bytes');
    const { marks } = layoutFigure(spec, { width: 600 });
    const roles = marks.map(({ role }) => role);
    expect(roles.filter((role) => role === 'fit')).toHaveLength(1);
    expect(roles).not.toContain('line');
    expect(roles.filter((role) => role === 'marker')).toHaveLength(run.points.length);
    expect(spec.finding).toContain('int2 at');
    expect(figureRows(spec).map(({ x }) => x)).toContainEqual(expect.stringContaining('int4'));
  });

  it('map recall over distance and depth in equal steps', () => {
    const spec = find(specs, 'quality_recall_map_int2');
    expect(heatSteps(spec).map(({ from }) => Number(from.toFixed(3)))).toEqual([0, 0.2, 0.4, 0.6, 0.8]);
    const rows = figureRows(spec);
    expect(rows[0]?.x).toContain('32 tokens back, depth');
    expect(rows[0]?.value).toContain('%');
  });

  it('strike out evicted tokens', () => {
    const spec = find(specs, 'quality_attention_1_0_f32_h2o_64');
    expect(spec.finding).toContain('2 are evicted; the last query would have given them 20');
    const { marks } = layoutFigure(spec, { width: 390 });
    const struck = marks.find(({ role }) => role === 'struck');
    expect(struck?.kind === 'path' ? struck.d.match(/M/g) : null).toHaveLength(2);
    expect(spec.finding).toContain('The answer stands at token 2');
    expect(spec.finding).toMatch(/It is evicted\.$/);
    expect(figureRows(spec).filter(({ note }) => note.includes('1 of 1 tokens evicted'))).toHaveLength(2);
  });

  it('give each family of caches a colour of its own', () => {
    const evicting = qualityRun('quality-eviction');
    const spec = find(figuresFor(evicting), 'quality_recall_vs_bytes');
    const families = spec.series.filter(({ role }) => role !== 'fit').map(({ colour }) => colour);
    expect(new Set(families).size).toBe(families.length);
    expect(Math.max(...families)).toBeLessThan(SERIES_COLOURS);
  });

  it('stand below each other where two runs are compared', () => {
    const both = figuresFor(run, { ...qualityRun('quality-eviction'), title: 'other' });
    expect(both.some(({ title }) => title.endsWith('(other)'))).toBe(true);
  });
});
