import { describe, expect, it } from 'vitest';
import { figuresFor } from '../../src/charts/figures/index.ts';
import { escapeXml, renderSvg } from '../../src/charts/svg.ts';
import type { Point } from '../../src/core/run/schema.ts';
import { THEMES } from '../../src/charts/theme.ts';
import { toyRun } from './runs.ts';

const REASON = 'Out of memory: 160 MiB were asked, 96 MiB were free.';
const outOfMemory = (settings: Point['settings']) =>
  settings['workload.concurrency'] === 16 ? REASON : null;

function firstFigure(run = toyRun('concurrency')) {
  const spec = figuresFor(run)[0];
  if (!spec) throw new Error('The synthetic run offers no figure.');
  return spec;
}

describe('renderSvg', () => {
  it('carries title, model, format, device, finding, definition and origin', () => {
    const spec = firstFigure();
    const svg = renderSvg(spec);
    expect(svg).toContain('<title>Peak KV memory by concurrency. Llama-3.2-1B');
    expect(svg).toMatch(/f16 KV · Test GPU 9/);
    expect(svg).toContain('<desc>');
    expect(svg).toContain('run toy-7');
    expect(svg).toContain('2026-01-02');
  });

  it('is the same bytes each time and names no outside address but the namespace', () => {
    const spec = firstFigure();
    expect(renderSvg(spec)).toBe(renderSvg(spec));
    expect(renderSvg(spec).replace('http://www.w3.org/2000/svg', '')).not.toMatch(
      /https?:|url\(|@import|<script|<style/,
    );
  });

  it('draws a failed point as a cross with its reason and never as a value', () => {
    const whole = renderSvg(firstFigure());
    const svg = renderSvg(firstFigure(toyRun('concurrency', { fail: outOfMemory })));
    expect(whole).not.toContain('class="gap"');
    expect(svg.match(/class="gap"/g)).toHaveLength(1);
    expect(svg).toContain(`× 16: ${REASON}`);
    expect(svg.match(/class="marker"/g)).toHaveLength(3 * 4);
  });

  it('carries the notes of the run, five at most', () => {
    const notes = Array.from({ length: 7 }, (_, i) => `Note number ${i}.`);
    const svg = renderSvg({ ...firstFigure(), notes });
    expect(svg.match(/Note number/g)).toHaveLength(5);
    expect(svg).toContain('and 2 more notes in the run');
  });

  it.each(['light', 'dark'] as const)('has the colours of the %s theme and no other', (theme) => {
    const svg = renderSvg(firstFigure(), { theme });
    const known = new Set(['none', ...Object.values(THEMES[theme]).flat()]);
    for (const [, paint = ''] of svg.matchAll(/(?:fill|stroke)="([^"]+)"/g)) expect(known).toContain(paint);
  });

  it('says which scale was refused, and draws the other', () => {
    const svg = renderSvg(firstFigure(), { yScale: 'log' });
    expect(svg).toContain('A log axis cannot show zero or less');
  });

  it('keeps all text inside the picture', () => {
    for (const width of [360, 672]) {
      for (const spec of figuresFor(toyRun('evictionBudget'))) {
        const svg = renderSvg(spec, { width });
        const [, height] = /height="(\d+)"/.exec(svg) ?? [];
        for (const [, y] of svg.matchAll(/<text x="[\d.]+" y="([\d.]+)"/g))
          expect(Number(y)).toBeLessThan(Number(height));
      }
    }
  });

  it('escapes text from strangers', () => {
    const spec = { ...firstFigure(), title: '</title><script>alert(1)</script>\u0000', subtitle: '"&\'' };
    const svg = renderSvg(spec);
    expect(svg).not.toContain('<script>');
    expect(svg).toContain('&lt;/title&gt;&lt;script&gt;');
    expect(escapeXml('a\u0000\ud800b')).toBe('a\ufffd\ufffdb');
  });
});
