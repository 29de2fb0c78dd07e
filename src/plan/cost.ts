/**
 * What a deployment costs: rent, or ownership over its years, for an hour, a month, a request and a million tokens.
 *
 *   $ / M tokens   $ an hour ÷ (tokens a second · 3600 / 10⁶), at the load: the whole cost over output tokens, and over
 *                  input tokens; the two are not to be added up
 *   owned          $ a GPU ÷ (years · 8760 h) + kW · PUE · $ a kWh + other
 *   spot share     the rented price, a part of it at the spot market's
 *   break-even     output tokens a second from which a request costs less than at the API's price
 */
import { priceFor, pricesOf, priceSentence, type GpuPrice } from '../core/hardware/prices.ts';
import type { GpuRecord } from '../core/hardware/records.ts';
import type { PlanCost } from '../core/run/plan.ts';
import type { PlanPrices, PlanScenario } from '../core/scenario/plan/schema.ts';

export const HOURS_A_MONTH = 730;
const HOURS_A_YEAR = 8760;

export interface Price {
  readonly perGpuHour: number;
  readonly source: string;
}

/** What a load makes of a deployment, as far as money is concerned. */
export interface Traffic {
  readonly gpus: number;
  /** Over the whole day, of the whole deployment. */
  readonly requestsPerSecond: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly utilization: number;
}

/** Of one GPU; null where nobody publishes a price and none was given. */
export function priceOf({ prices }: PlanScenario, gpu: GpuRecord): Price | null {
  if (prices.owned !== null) return ownedPrice(prices.owned, prices.pue, gpu);
  if (prices.perGpuHour !== null) return { perGpuHour: prices.perGpuHour, source: 'Given.' };
  return rented(prices, gpu.id);
}

function rented({ contract, provider, region, spotShare }: PlanPrices, gpu: string): Price | null {
  const main = priceFor(gpu, { contract, provider, region });
  if (main === null) return null;
  if (spotShare === 0) return { perGpuHour: main.perGpuHour, source: `${priceSentence(main)}.` };
  // The same provider where it has a spot market, else anybody's.
  const spot =
    priceFor(gpu, { contract: 'spot', provider: main.provider, region }) ??
    priceFor(gpu, { contract: 'spot', provider, region });
  if (spot === null)
    return { perGpuHour: main.perGpuHour, source: `${priceSentence(main)}; nobody publishes a spot price.` };
  return {
    perGpuHour: main.perGpuHour * (1 - spotShare) + spot.perGpuHour * spotShare,
    source: `${Math.round(spotShare * 100)} % at ${priceSentence(spot)}, the rest at ${priceSentence(main)}.`,
  };
}

/** Every published price of a GPU, newest first: what a plan could have cost elsewhere. */
export function publishedPrices(gpu: string): readonly GpuPrice[] {
  return pricesOf(gpu);
}

function ownedPrice(
  { perGpu, years, perKwh, otherPerHour }: NonNullable<PlanPrices['owned']>,
  pue: number,
  gpu: GpuRecord,
): Price {
  const kilowatts = (gpu.tdpW ?? 0) / 1000;
  const perGpuHour = perGpu / (years * HOURS_A_YEAR) + kilowatts * pue * perKwh + otherPerHour;
  const power =
    gpu.tdpW === null ? 'without power: nobody publishes it' : `${gpu.tdpW} W at $${perKwh} a kWh`;
  return {
    perGpuHour,
    source: `Owned: $${perGpu} a GPU over ${years} years, ${power}, PUE ${pue}, $${otherPerHour} an hour for the rest.`,
  };
}

/** $ of a million tokens at so many a second. */
export function perMillion(perHour: number, tokensPerSecond: number): number {
  return tokensPerSecond > 0 ? (perHour / (tokensPerSecond * 3600)) * 1e6 : 0;
}

export function costOf(
  { prices }: PlanScenario,
  price: Price | null,
  { gpus, requestsPerSecond, promptTokens, outputTokens, utilization }: Traffic,
): PlanCost | null {
  if (price === null) return null;
  const perHour = price.perGpuHour * gpus;
  return {
    perGpuHour: price.perGpuHour,
    priceSource: price.source.slice(0, 400),
    perHour,
    perRequest: requestsPerSecond > 0 ? perHour / (requestsPerSecond * 3600) : 0,
    perMonth: perHour * HOURS_A_MONTH,
    perMillionInputTokens: perMillion(perHour, requestsPerSecond * promptTokens),
    perMillionOutputTokens: perMillion(perHour, requestsPerSecond * outputTokens),
    breakEven: breakEven(prices, perHour, promptTokens, outputTokens),
    utilization,
  };
}

/** Output tokens a second at which an hour here costs what the same requests cost at the API. */
function breakEven(prices: PlanPrices, perHour: number, prompt: number, output: number): number | null {
  const { apiPerMillionInput, apiPerMillionOutput } = prices;
  if (apiPerMillionOutput === null && apiPerMillionInput === null) return null;
  const perRequest = ((apiPerMillionInput ?? 0) * prompt + (apiPerMillionOutput ?? 0) * output) / 1e6;
  return perRequest > 0 ? (perHour / 3600 / perRequest) * output : null;
}
