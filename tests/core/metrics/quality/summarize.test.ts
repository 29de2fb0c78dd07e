import { describe, expect, it, test } from 'vitest';
import { exactBinomial } from '../../../../src/core/metrics/quality/binomial.ts';
import { paretoFront } from '../../../../src/core/metrics/quality/pareto.ts';
import { qualityRows } from '../../../../src/core/metrics/quality/rows.ts';
import { summarizeQuality } from '../../../../src/core/metrics/quality/summarize.ts';
import { parseRun } from '../../../../src/core/run/parse.ts';
import { qualityPointsToCsv, qualitySamplesToCsv } from '../../../../src/exchange/quality-files.ts';
import { fromCsv } from '../../../../src/exchange/csv.ts';
import { qualityRun } from '../../../support/quality-run.ts';

// scipy.stats.binomtest(k, n).proportion_ci(method='exact'), SciPy 1.15
test.each([
  { right: 0, total: 16, low: 0, high: 0.20590721 },
  { right: 16, total: 16, low: 0.79409279, high: 1 },
  { right: 5, total: 20, low: 0.08657147, high: 0.49104587 },
])('$right of $total lies between $low and $high', ({ right, total, low, high }) => {
  const interval = exactBinomial(right, total);
  expect(interval?.low).toBeCloseTo(low, 6);
  expect(interval?.high).toBeCloseTo(high, 6);
});

test('without trials there is no interval', () => expect(exactBinomial(0, 0)).toBeNull());

test('the Pareto front leaves out what is beaten, and keeps ties in neither', () => {
  const points = [
    { cost: 4, worth: 1 },
    { cost: 2, worth: 0.9 },
    { cost: 3, worth: 0.8 },
    { cost: 1, worth: 0.2 },
    { cost: 1, worth: 0.1 },
    { cost: 4, worth: 1 },
  ];
  expect(paretoFront(points)).toEqual([3, 1, 0, 5]);
});

describe('a quality run', () => {
  const run = qualityRun();

  it('passes its own door', () => {
    const parsed = parseRun(JSON.stringify(run));
    expect(parsed).toEqual({ ok: true, run });
  });

  it('is summarized the same each time, the reference without any loss', () => {
    const [reference, ...others] = summarizeQuality(run);
    expect(summarizeQuality(run)[0]).toEqual(reference);
    expect(reference?.klDivergence?.value).toBe(0);
    expect(reference?.perplexity?.value).toBeGreaterThan(4);
    expect(others.map(({ label }) => label)).toEqual(run.scenario.cache.kFormats);
    for (const { klDivergence } of others) {
      const { value = 0, interval = null } = klDivergence ?? {};
      expect(interval?.low).toBeLessThanOrEqual(value);
      expect(interval?.high).toBeGreaterThanOrEqual(value);
    }
  });

  it('becomes the rows of the command line', () => {
    const rows = qualityRows(run);
    const int2 = rows.at(-1);
    expect(int2).toMatchObject({
      kFormat: 'int2',
      vFormat: 'int2',
      policy: 'none',
      budget: null,
      emulated: false,
    });
    expect(Object.keys(int2?.recall ?? {})).toEqual(['32', '128', '384']);
    const [low, high] = int2?.interval.recall['128'] ?? [1, 0];
    expect(low).toBeLessThanOrEqual(int2?.recall['128'] ?? 0);
    expect(high).toBeGreaterThanOrEqual(int2?.recall['128'] ?? 1);
    expect(int2?.klDivergence).toBeGreaterThan(0.3);
    expect(rows.every(({ tpotMs }) => tpotMs !== null)).toBe(true);
  });

  it('has a value without an interval where the samples are too few', () => {
    const few = { ...run, points: run.points.map((point) => ({ ...point, text: point.text.slice(0, 2) })) };
    const summary = summarizeQuality(few)[1];
    expect(summary?.klDivergence).toMatchObject({ interval: null, samples: 2 });
  });

  it('becomes CSV', () => {
    const points = fromCsv(qualityPointsToCsv(run));
    expect(points).toHaveLength(run.points.length + 1);
    expect(points[0]).toContain('recall at 128 [share]');
    expect(new Set(points.map((row) => row.length)).size).toBe(1);
    const samples = fromCsv(qualitySamplesToCsv(run));
    const { recall, text } = run.scenario.tasks;
    const each =
      recall.distances.length * recall.depths.length * recall.samples + text.sequences * text.scoredTokens;
    expect(samples).toHaveLength(run.points.length * each + 1);
  });
});
