/** Arithmetic of the engine's bench: its model, its steps, what its table says. */
import { describe, expect, it } from 'vitest';
import { layerWeights, llamaShaped, prefillFlops } from '../../bench/engine/cases.ts';
import { roundOf } from '../../bench/engine/decode.ts';
import { engineMarkdown, type EngineBench, type LargeCase } from '../../bench/engine/report.ts';

describe('the large model', () => {
  it.each([
    { gbps: 50, width: 576 },
    { gbps: 600, width: 2048 },
    { gbps: 2000, width: 4096 },
    { gbps: 8000, width: 8192 },
  ])('takes 2 ms to read at $gbps GB/s, in eight layers or more', ({ gbps, width }) => {
    const config = llamaShaped(gbps * 1e6 * 2);
    const weightBytes = 2 * (config.layers * layerWeights(config) + config.vocab * config.hidden);
    expect(config.hidden).toBe(width);
    expect(config.layers).toBeGreaterThanOrEqual(8);
    expect(weightBytes).toBeGreaterThanOrEqual(gbps * 1e6 * 2);
    expect(weightBytes).toBeLessThan(gbps * 1e6 * 2 + 2 * layerWeights(config));
  });

  it('counts the operations of a prefill', () => {
    const config = {
      layers: 3,
      hidden: 8,
      intermediate: 16,
      queryHeads: 2,
      kvHeads: 1,
      headDim: 4,
      vocab: 32,
    };
    // 8·(8 + 4 + 4) in, 8·8 out, 3·8·16 in the MLP; 1 + 2 + 3 + 4 pairs of 2 heads, keys and values of 4 channels.
    const layer = 4 * (8 * 16 + 8 * 8 + 3 * 8 * 16) + 10 * 2 * 2 * 4;
    expect(prefillFlops(config, 4)).toBe(2 * (3 * layer + 32 * 8));
  });
});

describe('a round of decode', () => {
  const steps = [
    { endMs: 5, gpuMs: 4 },
    { endMs: 10, gpuMs: 4 },
    { endMs: 14, gpuMs: 3 },
    { endMs: 20, gpuMs: 5 },
  ];

  it('leaves out the first two steps and the time before the second one ended', () => {
    expect(roundOf(8, steps)).toEqual({ tokensPerSecond: 1600, stepMs: 5, kernelShare: 0.8 });
  });

  it('has no share of kernels where one step has no time', () => {
    expect(roundOf(1, [...steps, { endMs: 30, gpuMs: null }]).kernelShare).toBeNull();
  });

  it('refuses to count nothing', () => {
    expect(() => roundOf(8, steps.slice(0, 2))).toThrow(/more output tokens/);
  });
});

it('the table says what was reached of bandwidth and of the FMA peak', () => {
  const large: LargeCase = {
    name: '16 layers',
    weightBytes: 2e9,
    rows: [
      { batch: 1, tokensPerSecond: 400, stepMs: 2.5, kernelShare: 0.95 },
      { batch: 8, tokensPerSecond: 2000, stepMs: 4, kernelShare: 0.97 },
    ],
    batchRatio: 5,
    readGbps: 1000,
    fmaGflops: 20_000,
    weightReadMs: 2,
    prefillTokens: 2048,
    prefillMs: 400,
    prefillFlops: 4e12,
  };
  const bench: EngineBench = {
    date: '2026-01-01',
    device: 'a GPU',
    runtime: 'a browser',
    isFallback: false,
    cases: [],
    large,
    skipped: ['No small model.'],
  };
  const text = engineMarkdown(bench);
  expect(text).toContain('| 16 layers, 2.0 GB | 1 | 400 | 2.50 | 95 % |  |');
  expect(text).toContain('|  | 8 | 2000 | 4.00 | 97 % | 5.00× |');
  expect(text).toContain('runs at 80 % of what bandwidth ÷ weights allows');
  expect(text).toContain('10000 GFLOP/s: 50 % of the measured f32 FMA peak');
  expect(text).toContain('No small model.');
});
