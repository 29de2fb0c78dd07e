/** Figures of a replay: what is drawn, what is left out, and the sentence under it. */
import { describe, expect, it } from 'vitest';
import type { ReplayReport } from '../../src/core/run/replay.ts';
import { replayFigures } from '../../src/charts/figures/replay.ts';
import { renderSvg } from '../../src/charts/svg.ts';

const values = (scale: number): number[] => Array.from({ length: 200 }, (_, i) => scale * (i + 1));
const summary = (scale: number) => ({
  mean: 100.5 * scale,
  p50: 100.5 * scale,
  p90: 180.1 * scale,
  p95: 190 * scale,
  p99: 198 * scale,
});
const side = (scale: number) => ({ ttftMs: summary(scale), tpotMs: summary(scale), e2eMs: summary(scale) });
const samples = (scale: number) => ({ ttftMs: values(scale), tpotMs: values(scale), e2eMs: values(scale) });
const times = Array.from({ length: 5 }, (_, i) => i + 0.5);
const series = (predicted: number) => ({
  timeSeconds: times,
  measured: times.map(() => 10),
  predicted: times.map(() => predicted),
  meanAbsoluteError: Math.abs(predicted - 10),
  errorPercent: Math.abs(predicted - 10) * 10,
});

const REPORT: ReplayReport = {
  model: 'Llama-3.1-8B',
  gpu: 'RTX 4090',
  vllmVersion: '0.19.0',
  requests: 200,
  costModel: { name: '', about: '', basis: { measured: 1, interpolated: 9, extrapolated: 0, assumed: 0 } },
  kvBlocks: { value: 2588, origin: 'recorded' },
  predicted: side(0.98),
  measured: side(1),
  errorPercent: { ttftMs: summary(-0.02), tpotMs: summary(-0.02), e2eMs: summary(-0.02), running: 20 },
  series: { running: series(12), kvUsagePercent: series(9) },
  samples: { predicted: samples(0.98), measured: samples(1) },
  steps: 10,
  preemptions: 0,
  notes: ['A note.'],
};
const figures = replayFigures(REPORT, { command: 'kvlab replay x' });

describe('the figures of a replay', () => {
  it('are the distributions and the series that were recorded', () => {
    expect(figures.map(({ id }) => id)).toEqual([
      'replay_ttft_cdf',
      'replay_tpot_cdf',
      'replay_e2e_cdf',
      'replay_running',
      'replay_kvusage',
    ]);
  });
  it('show both sides, predicted dashed', () => {
    for (const { series: drawn } of figures) {
      expect(drawn.map(({ label, dashed }) => [label, dashed ?? false])).toEqual([
        ['Measured', false],
        ['Predicted', true],
      ]);
    }
  });
  it('mark the percentiles that the samples carry', () => {
    const points = figures[0]?.series[1]?.points ?? [];
    expect(points.map(({ label, x }) => [label, Math.round(Number(x))])).toEqual([
      ['p50', 98],
      ['p90', 176],
      ['p95', 186],
      ['p99', 194],
    ]);
  });
  it('say by how much', () => {
    expect(figures[0]?.finding.replaceAll('\u00a0', ' ')).toBe(
      'The mean TTFT is 98.5 ms predicted and 101 ms measured (−2.0 %); p99 is off by −4.0 %.',
    );
    expect(figures[3]?.finding).toBe('The two differ by 2 requests on average, 20 % of what was measured.');
    expect(figures[4]?.finding).toContain('1 percentage points');
    expect(figures[0]?.subtitle).toContain('vLLM 0.19.0, 200 requests · measured layer table');
    expect(figures[0]?.notes).toEqual(['A note.']);
  });
  it.each(figures.map((figure) => [figure.id, figure] as const))('%s is drawn', (_id, figure) => {
    expect(renderSvg(figure)).toMatch(/^<svg[^]*Predicted[^]*<\/svg>\s*$/);
  });
});
