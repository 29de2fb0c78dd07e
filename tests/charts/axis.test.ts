import { describe, expect, it } from 'vitest';
import { placeAxis, planAxis, type AxisWish } from '../../src/charts/axis.ts';
import { logTicks } from '../../src/charts/ticks.ts';

function wish(values: (number | string)[], more: Partial<AxisWish> = {}): AxisWish {
  const axis = { label: 'Time', unit: 'ms', scale: 'linear' } as const;
  return { axis, wished: undefined, values, tickCount: 6, ticksAtValues: false, ...more };
}

describe('planAxis', () => {
  it('starts a linear axis at zero and ends it at a round number', () => {
    const plan = planAxis(wish([3, 17, 86]));
    expect(plan).toMatchObject({ kind: 'linear', domain: [0, 100], title: 'Time (ms)', refusal: null });
    expect(plan.ticks.map(({ label }) => label)).toEqual(['0', '20', '40', '60', '80', '100']);
  });

  it.each([
    [[0.5, 20, 90], ['0.5', '1', '2', '5', '10', '20', '50', '100'], 8],
    [[0.5, 20, 90], ['0.5', '1', '5', '10', '50', '100'], 2],
  ])('takes fewer log ticks where there is less room: %j', (values, dense, count) => {
    const { ticks } = planAxis(wish(values, { wished: 'log', tickCount: count }));
    const labels = ticks.map(({ label }) => label);
    if (count === 8) expect(labels).toEqual(dense);
    else expect(labels.length).toBeLessThan(dense.length);
  });

  it.each([
    [[0, 5, 9], 'A log axis cannot show zero or less: 1 value is, the smallest 0 ms. Time stays linear.'],
    [[-2, 0, 9], 'A log axis cannot show zero or less: 2 values are, the smallest −2 ms. Time stays linear.'],
  ])('refuses log for %j in words and stays linear', (values, sentence) => {
    const plan = planAxis(wish(values, { wished: 'log' }));
    expect(plan.kind).toBe('linear');
    expect(plan.refusal?.replaceAll('\u00a0', ' ')).toBe(sentence);
  });

  it('also refuses a log axis that the figure itself asks for', () => {
    const axis = { label: 'Waste', unit: 'bytes', scale: 'log' } as const;
    expect(planAxis(wish([0, 4], { axis })).refusal).toContain('Waste stays linear');
  });

  it('refuses log for names', () => {
    const axis = { label: 'KV format', unit: '', scale: 'category' } as const;
    const plan = planAxis(wish(['f16', 'int8', 'f16'], { axis, wished: 'log' }));
    expect(plan.categories).toEqual(['f16', 'int8']);
    expect(plan.refusal).toBe('KV format is a list of names, which has no log scale.');
  });

  it('puts ticks at the visited values of a sweep', () => {
    const { ticks } = planAxis(wish([16, 1, 2, 4, 8, 4], { ticksAtValues: true, wished: 'log' }));
    expect(ticks.map(({ value }) => value)).toEqual([1, 2, 4, 8, 16]);
  });

  it('shows bytes on a log axis as powers of two with their own unit', () => {
    const axis = { label: 'Memory', unit: 'bytes', scale: 'log' } as const;
    const { ticks, title } = planAxis(wish([9 * 2 ** 20, 3 * 2 ** 30], { axis }));
    expect(title).toBe('Memory');
    expect(ticks.map(({ label }) => label.replace('\u00a0', ' '))).toContain('64 MiB');
    for (const { value } of ticks) expect(Math.log2(Number(value)) % 1).toBe(0);
  });

  it.each([
    ['no value', []],
    ['one value', [5]],
    ['equal values', [5, 5]],
    ['zero', [0]],
  ])('survives %s', (_, values: number[]) => {
    for (const wished of ['linear', 'log'] as const) {
      const scale = placeAxis(planAxis(wish(values, { wished })), [100, 0]);
      expect(scale.domain[1]).toBeGreaterThan(scale.domain[0]);
      for (const { value } of scale.ticks) expect(Number.isFinite(scale.at(value))).toBe(true);
    }
  });
});

describe('placeAxis', () => {
  it('maps ends to the range, inset for markers', () => {
    const x = placeAxis(planAxis(wish([1, 16], { ticksAtValues: true, wished: 'log' })), [50, 250], 10);
    expect(x.at(1)).toBeCloseTo(60);
    expect(x.at(4)).toBeCloseTo(150);
    expect(x.at(16)).toBeCloseTo(240);
    expect(x.at(0)).toBeNull();
    expect(x.at('f16')).toBeNull();
  });

  it('gives each category its band', () => {
    const axis = { label: 'KV format', unit: '', scale: 'category' } as const;
    const x = placeAxis(planAxis(wish(['a', 'b'], { axis })), [0, 200]);
    expect(x.at('b')).toBeGreaterThan(x.at('a') ?? Infinity);
    expect(x.band).toBeGreaterThan(70);
    expect(x.at('c')).toBeNull();
  });
});

describe('logTicks', () => {
  it.each([
    [1, 1000, 4, false, [1, 10, 100, 1000]],
    [1, 100, 8, false, [1, 2, 5, 10, 20, 50, 100]],
    [1, 256, 5, true, [1, 4, 16, 64, 256]],
    [1.14, 1.36, 5, false, [1.15, 1.2, 1.25, 1.3, 1.35]],
    // Even steps would crowd at the right end of such ranges.
    [14.4, 5824, 4, false, [30, 100, 300, 1000, 3000]],
    [0.9, 60, 3, false, [1, 3, 10, 30]],
    [0.9, 60, 2, false, [1, 3, 10, 30]],
    [4, 58, 2, false, [5, 10, 20, 50]],
  ])('%d…%d in %d', (low, high, count, binary, ticks) => {
    expect(logTicks(low, high, count, binary).map((t) => Number(t.toPrecision(6)))).toEqual(ticks);
  });
});
