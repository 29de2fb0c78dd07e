import { render } from 'svelte/server';
import { describe, expect, it } from 'vitest';
import { figureRows, gapNotes, originSentence, pointSentence } from '../../src/charts/describe.ts';
import Figure from '../../src/charts/Figure.svelte';
import { figuresFor } from '../../src/charts/figures/index.ts';
import { toyRun } from './runs.ts';

const REASON = 'Out of memory: 160 MiB were asked, 96 MiB were free.';
const run = toyRun('concurrency', { fail: (s) => (s['workload.concurrency'] === 16 ? REASON : null) });

function throughput() {
  const spec = figuresFor(run).find(({ id }) => id.startsWith('fig2'));
  if (!spec) throw new Error('The synthetic run offers no throughput.');
  return spec;
}

describe('a figure in words', () => {
  it('has a row for every point, the failed one with its reason', () => {
    const rows = figureRows(throughput());
    expect(rows).toHaveLength(5);
    expect(rows[0]).toMatchObject({ series: 'Output throughput', x: '1', n: '5' });
    expect(rows[0]?.value).toMatch(/tok\/s$/);
    expect(rows[0]?.interval).toMatch(/ to /);
    expect(rows[4]).toMatchObject({ x: '16', value: 'no value', interval: '', note: REASON });
  });

  it('says one point in one line', () => {
    const spec = throughput();
    const [series] = spec.series;
    const [point] = series?.points ?? [];
    if (!series || !point) throw new Error('The figure has no point.');
    expect(pointSentence(spec, series, point).replaceAll('\u00a0', ' ')).toMatch(
      /^1: 1,9\d\d tok\/s, 95 % bootstrap interval, repetitions drawn again 1,9\d\d to 1,9\d\d tok\/s, n = 5\. Rough: [^.]+\. Kernel: subgroups\.$/,
    );
  });

  it('names each reason once with its places', () => {
    const spec = figuresFor(
      toyRun('concurrency', { fail: (s) => (Number(s['workload.concurrency']) > 4 ? REASON : null) }),
    );
    expect(gapNotes(spec[0] ?? throughput())).toEqual([`× 8, 16: ${REASON}`]);
  });

  it('says where the numbers come from', () => {
    expect(originSentence(throughput())).toBe('Assumed 2026-01-02, run toy-7, by: toy concurrency');
    const made = { ...throughput(), origin: 'measured' as const, source: { runId: 'r', command: null } };
    expect(originSentence(made)).toBe('Measured, run r, made in the page');
  });
});

describe('Figure.svelte', () => {
  const rendered = render(Figure, { props: { spec: throughput(), onSaveSvg: () => undefined } });
  const body = rendered.body.replaceAll(/<!--.*?-->/g, '');

  it('has title, finding, reasons, and the numbers as a table', () => {
    expect(body).toMatch(/<h3[^>]*>Throughput by concurrency<\/h3>/);
    expect(body).toContain(`× 16: ${REASON}`);
    expect(body).toContain('Throughput grows in proportion');
    expect(body.match(/<tr>/g)).toHaveLength(1 + 5);
    expect(body).toContain('aria-label="Table: Throughput by concurrency"');
  });

  it('shows only the buttons that do something', () => {
    expect(body).toContain('Save SVG');
    expect(body).not.toContain('Save PNG');
  });

  it('writes no style attribute, which the page’s policy would refuse in markup', () => {
    expect(body).not.toMatch(/ style=/);
  });
});
