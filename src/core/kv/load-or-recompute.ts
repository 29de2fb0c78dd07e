/**
 * Is KV that lies elsewhere worth fetching? Rules in closed form; bytes, bytes per second, FLOP and seconds.
 *
 * Linear layers only: attention makes computing dearer, so the true break-even bandwidth is a little lower. The
 * simulator's tiers (sim/tiers.ts) compare with their cost model's own prefill time instead.
 */

export interface Prefill {
  /** FLOP per second that the GPU reaches in prefill: peak times utilisation. */
  readonly flopsPerSecond: number;
  /** Parameters that each token passes through, without the embedding. */
  readonly params: number;
}

/** Seconds to compute the KV of `tokens` anew: 2 FLOP a parameter and token. */
export function recomputeSeconds(tokens: number, { flopsPerSecond, params }: Prefill): number {
  return (2 * params * tokens) / flopsPerSecond;
}

export interface Link {
  readonly bytesPerSecond: number;
  readonly latencySeconds: number;
}

export function loadSeconds(tokens: number, kvBytesPerToken: number, link: Link): number {
  return link.latencySeconds + (tokens * kvBytesPerToken) / link.bytesPerSecond;
}

export interface LoadChoice {
  readonly loadSeconds: number;
  readonly recomputeSeconds: number;
  readonly choose: 'load' | 'recompute';
}

/** Load where latency and transfer together take less time than the prefill. */
export function loadOrRecompute(
  tokens: number,
  kvBytesPerToken: number,
  link: Link,
  prefill: Prefill,
): LoadChoice {
  const load = loadSeconds(tokens, kvBytesPerToken, link);
  const recompute = recomputeSeconds(tokens, prefill);
  return {
    loadSeconds: load,
    recomputeSeconds: recompute,
    choose: load < recompute ? 'load' : 'recompute',
  };
}

/** Bytes per second at which loading takes as long as computing, latency aside: the same for any length. */
export function breakEvenBandwidth(kvBytesPerToken: number, { flopsPerSecond, params }: Prefill): number {
  return (kvBytesPerToken * flopsPerSecond) / (2 * params);
}

/** Mean time of an access that is answered by one of several levels: Σ share · latency. */
export function effectiveLatency(levels: readonly { share: number; latencySeconds: number }[]): number {
  return levels.reduce((sum, { share, latencySeconds }) => sum + share * latencySeconds, 0);
}

/**
 * Recompute or swap a preempted sequence: swapping moves its KV out and in again, and pays for each block's copy.
 * Source of the rule: vLLM's paper (arXiv:2309.06180, section 7.3) found recomputing never above 120 % of swapping, and
 * swapping slow with small blocks.
 * @param perBlockSeconds fixed cost of one block's copy
 */
export function recomputeOrSwap(
  tokens: number,
  kvBytesPerToken: number,
  bytesPerSecond: number,
  blockSize: number,
  perBlockSeconds: number,
  prefillSeconds: number,
): 'recompute' | 'swap' {
  const blocks = Math.ceil(tokens / blockSize);
  const swap = (2 * tokens * kvBytesPerToken) / bytesPerSecond + blocks * perBlockSeconds;
  return prefillSeconds < swap ? 'recompute' : 'swap';
}

export interface OffloadVerdict {
  readonly helps: boolean;
  /** Bytes per second. */
  readonly breakEvenBandwidth: number;
  readonly sentence: string;
}

const GB = 1e9;

function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/**
 * Does offloading to a tier pay, for prefixes of a given length? The break-even bandwidth here counts the link's latency:
 * bytes / (prefill time − latency); Infinity where the latency alone is longer than the prefill.
 * @param prefillSeconds time to compute those tokens, by any cost model
 */
export function offloadVerdict(
  tokens: number,
  kvBytesPerToken: number,
  link: Link,
  prefillSeconds: number,
): OffloadVerdict {
  const load = loadSeconds(tokens, kvBytesPerToken, link);
  const spare = prefillSeconds - link.latencySeconds;
  const breakEven = spare > 0 ? (tokens * kvBytesPerToken) / spare : Infinity;
  const helps = load < prefillSeconds;
  const times = `loading ${tokens} tokens takes ${digits(load * 1000)} ms, computing them ${digits(prefillSeconds * 1000)} ms`;
  const bar = Number.isFinite(breakEven)
    ? `break-even at ${digits(breakEven / GB)} GB/s, the link has ${digits(link.bytesPerSecond / GB)} GB/s`
    : `no bandwidth helps: the link's latency alone is ${digits(link.latencySeconds * 1000)} ms`;
  return {
    helps,
    breakEvenBandwidth: breakEven,
    sentence: `Offloading ${helps ? 'helps' : 'hurts'} here: ${times} (${bar}).`,
  };
}
