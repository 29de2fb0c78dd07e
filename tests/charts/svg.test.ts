import { describe, expect, it } from 'vitest';
import { figuresFor } from '../../src/charts/figures/index.ts';
import { escapeXml, renderSvg } from '../../src/charts/svg.ts';
import type { Point } from '../../src/core/run/schema.ts';
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

  it('escapes text from strangers', () => {
    const spec = { ...firstFigure(), title: '</title><script>alert(1)</script>\u0000', subtitle: '"&\'' };
    const svg = renderSvg(spec);
    expect(svg).not.toContain('<script>');
    expect(svg).toContain('&lt;/title&gt;&lt;script&gt;');
    expect(escapeXml('a\u0000\ud800b')).toBe('a\ufffd\ufffdb');
  });
});
