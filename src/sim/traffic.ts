/** What the links of a cluster have moved, and whether that paid. */
import { offloadVerdict } from '../core/kv/load-or-recompute.ts';
import type { SimRepetition } from '../core/run/simulation.ts';
import type { Link } from './link.ts';
import type { Plant } from './plant.ts';
import type { Tier } from './tiers.ts';

function sum<T>(items: Iterable<T>, of: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += of(item);
  return total;
}

/** The stores of one level, shared ones once. */
function storesOf({ tiers }: Plant, at: number): Set<Tier> {
  return new Set(tiers.flatMap(({ levels }) => levels[at] ?? []));
}

export function trafficOf(plant: Plant): SimRepetition['tiers'] {
  const { scenario, swaps, handoff } = plant;
  const rows = scenario.cluster.tiers.map(({ kind }, at) => {
    const stores = storesOf(plant, at);
    return {
      kind: String(kind),
      outBytes: sum(stores, ({ down }) => down.bytes),
      inBytes: sum(stores, ({ up }) => up.bytes),
      hitTokens: sum(stores, ({ hitTokens }) => hitTokens),
    };
  });
  const other = (kind: string, out: readonly Link[], back: readonly Link[]) =>
    rows.push({
      kind,
      outBytes: sum(out, ({ bytes }) => bytes),
      inBytes: sum(back, ({ bytes }) => bytes),
      hitTokens: 0,
    });
  if (swaps.length > 0) {
    other(
      'swap',
      swaps.map(({ down }) => down),
      swaps.map(({ up }) => up),
    );
  }
  if (handoff) other('prefill to decode', handoff.out, handoff.in);
  return rows;
}

/** For the mean text that a level had to offer: does loading it take less time than computing it? */
export function verdictsOf(plant: Plant): string[] {
  const { scenario, kvBytesPerToken, prefillMs, tiers } = plant;
  const sentences = scenario.cluster.tiers.flatMap(({ kind, bandwidthGBps, latencyUs }, at) => {
    const stores = storesOf(plant, at);
    const times = sum(stores, ({ asked }) => asked.times);
    if (times === 0) return [];
    const tokens = Math.round(sum(stores, ({ asked }) => asked.tokens) / times);
    const found = Math.round(sum(stores, ({ asked }) => asked.found) / times);
    // What a step saves, and not what it takes: one token is computed either way.
    const savedMs = prefillMs(tokens + 1, found) - prefillMs(1, found + tokens);
    const link = { bytesPerSecond: bandwidthGBps * 1e9, latencySeconds: latencyUs / 1e6 };
    return [`Tier ${kind}. ${offloadVerdict(tokens, kvBytesPerToken, link, savedMs / 1000).sentence}`];
  });
  const heldMs = Math.round(sum(tiers, (own) => own.heldMs));
  if (heldMs > 0) sentences.push(`Steps waited ${heldMs} ms in all for evicted blocks to leave the GPU.`);
  return sentences;
}
