/** Prices: each of a known GPU, dated and sourced; the middle one is planned with. */
import { expect, test } from 'vitest';
import { ALL_GPUS } from '../../../src/core/hardware/catalogue.ts';
import {
  GPU_CONTRACTS,
  GPU_PRICES,
  priceFor,
  priceProviders,
  priceRegions,
  priceSentence,
  pricesOf,
} from '../../../src/core/hardware/prices.ts';

test('every price is of a known GPU, of a day, from somewhere', () => {
  const known = new Set(ALL_GPUS.map(({ id }) => id));
  expect(GPU_PRICES.length).toBeGreaterThan(60);
  for (const { gpu, source } of GPU_PRICES) {
    expect(known.has(gpu), gpu).toBe(true);
    expect(source, gpu).toMatch(/\.(ai|com|net|org|io|network|systems)\b|skypilot|SemiAnalysis|KV-planner/);
  }
  expect(new Set(GPU_PRICES.map(({ contract }) => contract))).toEqual(new Set(GPU_CONTRACTS));
  expect(priceProviders().length).toBeGreaterThan(8);
  expect(priceRegions()).toContain('us-east-1');
  for (const id of ['h100-sxm', 'h200-sxm', 'b200-sxm', 'a100-80-sxm', 'l4', 'l40s', 'mi300x', 'rtx-4090'])
    expect(pricesOf(id).length, id).toBeGreaterThan(1);
  expect(pricesOf('rtx-3060')).toEqual([]);
});

test('spot is cheaper than on demand where one provider sells both in one region', () => {
  for (const spot of GPU_PRICES.filter(({ contract }) => contract === 'spot')) {
    const demand = GPU_PRICES.find(
      ({ gpu, provider, region, contract, date }) =>
        gpu === spot.gpu &&
        provider === spot.provider &&
        region === spot.region &&
        date === spot.date &&
        contract === 'on-demand',
    );
    if (demand) expect(spot.perGpuHour, `${spot.gpu} ${spot.provider}`).toBeLessThan(demand.perGpuHour);
  }
});

test('newest first', () => {
  const dates = pricesOf('h100-sxm').map(({ date }) => date.slice(0, 7));
  expect(dates).toEqual([...dates].sort().reverse());
});

test('the middle price of those that meet the wish', () => {
  const any = { provider: null, region: null };
  const demand = pricesOf('h100-sxm').filter(({ contract }) => contract === 'on-demand');
  const middle = priceFor('h100-sxm', { contract: 'on-demand', ...any });
  const below = demand.filter(({ perGpuHour }) => perGpuHour < (middle?.perGpuHour ?? 0)).length;
  expect(below).toBe((demand.length - 1) >> 1);
  expect(priceFor('h100-sxm', { contract: 'on-demand', provider: 'runpod', region: null })?.provider).toBe(
    'RunPod',
  );
  expect(priceFor('h100-sxm', { contract: 'reserved', provider: 'AWS', region: 'us-east-2' })).toMatchObject({
    perGpuHour: 4.916,
    date: '2024-12',
  });
  expect(priceFor('h100-sxm', { contract: 'reserved', provider: 'Azure', region: null })).toBeNull();
  expect(priceFor('rtx-3060', { contract: 'spot', ...any })).toBeNull();
  expect(middle && priceSentence(middle)).toMatch(/, on-demand, 202\d-\d\d/);
});
