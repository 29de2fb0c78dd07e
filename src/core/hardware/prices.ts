/**
 * What an hour of one GPU costs to rent: prices.json, one row a price with provider, region, contract, day and source.
 *
 * Boundary: published prices of their day, never fetched, never extrapolated; a person's own price replaces them all. Where
 * nobody publishes one, there is none. Host, storage and traffic are in a price only where the provider sells them together.
 */
import * as v from 'valibot';
import rows from './prices.json' with { type: 'json' };

export const GPU_CONTRACTS = ['on-demand', 'spot', 'reserved'] as const;
export type GpuContract = (typeof GPU_CONTRACTS)[number];

const text = v.pipe(v.string(), v.minLength(2), v.maxLength(300));

export const GpuPrice = v.strictObject({
  gpu: text,
  /** `market` where a survey names the price and no provider. */
  provider: text,
  /** As the provider names it; `global` where it is the same everywhere or not said. */
  region: text,
  contract: v.picklist(GPU_CONTRACTS),
  /** Day or month. */
  date: v.pipe(v.string(), v.regex(/^20\d\d-(0[1-9]|1[0-2])(-[0-3]\d)?$/)),
  /** US dollars. */
  perGpuHour: v.pipe(v.number(), v.minValue(0.01), v.maxValue(100)),
  source: v.pipe(v.string(), v.minLength(10), v.maxLength(300)),
});
export type GpuPrice = v.InferOutput<typeof GpuPrice>;

export const GPU_PRICES: readonly GpuPrice[] = v.parse(v.array(GpuPrice), rows);

/** Newest first, then cheapest. */
function byDate(a: GpuPrice, b: GpuPrice): number {
  if (a.date !== b.date) return a.date < b.date ? 1 : -1;
  return a.perGpuHour - b.perGpuHour;
}

const byGpu = new Map<string, readonly GpuPrice[]>();
for (const price of [...GPU_PRICES].sort(byDate))
  byGpu.set(price.gpu, [...(byGpu.get(price.gpu) ?? []), price]);

/** All prices of a GPU by its id, newest first; empty where nobody publishes one. */
export function pricesOf(gpuId: string): readonly GpuPrice[] {
  return byGpu.get(gpuId) ?? [];
}

export interface PriceWish {
  readonly contract: GpuContract;
  /** In any case; null: any. */
  readonly provider: string | null;
  readonly region: string | null;
}

function same(wanted: string | null, given: string): boolean {
  return wanted === null || given === 'global' || wanted.toLowerCase() === given.toLowerCase();
}

/**
 * The price to plan with: the middle one of those that meet the wish, the cheaper of two. Null: nobody publishes one.
 * Survey rows count only where no provider is asked for.
 */
export function priceFor(gpuId: string, { contract, provider, region }: PriceWish): GpuPrice | null {
  const matching = pricesOf(gpuId).filter(
    (price) =>
      price.contract === contract &&
      (provider === null || price.provider.toLowerCase() === provider.toLowerCase()) &&
      same(region, price.region),
  );
  matching.sort((a, b) => a.perGpuHour - b.perGpuHour);
  return matching[(matching.length - 1) >> 1] ?? null;
}

/** `RunPod, global, on-demand, 2026-03 (source)`. */
export function priceSentence({ provider, region, contract, date, source }: GpuPrice): string {
  return `${provider}, ${region}, ${contract}, ${date} (${source})`;
}

/** Names that a wish can hold, in the order of the alphabet. */
export function priceProviders(): readonly string[] {
  return [...new Set(GPU_PRICES.map(({ provider }) => provider))].sort();
}

export function priceRegions(): readonly string[] {
  return [...new Set(GPU_PRICES.map(({ region }) => region))].sort();
}
