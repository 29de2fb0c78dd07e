/**
 * From a wish to the engine's settings: how many sequences, how long, how many blocks.
 *
 * Sizes are rounded up, so that one engine with its compiled kernels and its warm prefix cache serves the next wish too.
 */
import type { ModelConfig } from '../../engine/config.ts';
import type { EngineSettings } from '../../engine/engine-types.ts';
import { WishError } from './errors.ts';
import { blockBytes } from './facts.ts';
import type { CacheWish } from './types.ts';

export const MOST_SEQUENCES = 64;

/** Contexts below this are not worth an engine of their own. */
const LEAST_CONTEXT = 512;
const LEAST_SEQUENCES = 4;
const RESIDUAL_TOKENS = 32;
/** Tokens of one step: enough to fill a real GPU; few on the processor, where a step of many would look like a stop. */
const STEP_TOKENS = { gpu: 2048, software: 128 } as const;

export interface Room {
  readonly isFallback: boolean;
  /** Bytes that the pool may take. */
  readonly poolBytes: number;
}

export interface Demand {
  readonly sequences: number;
  /** Of the longest sequence: prompt + output. */
  readonly tokens: number;
}

/** @throws WishError where the wish does not fit the model or the room */
export function engineSettings(
  config: ModelConfig,
  wish: CacheWish,
  demand: Demand,
  room: Room,
): EngineSettings {
  checkDemand(config, demand);
  const longest = Math.min(config.maxPositionTokens, powerOfTwo(demand.tokens, LEAST_CONTEXT));
  const maxSequences = powerOfTwo(demand.sequences, LEAST_SEQUENCES);
  const numBlocks = blocksFor(config, wish, { sequences: maxSequences, tokens: longest }, demand, room);
  const tokenBudget = Math.max(room.isFallback ? STEP_TOKENS.software : STEP_TOKENS.gpu, maxSequences);
  return {
    kvFormat: wish.kvFormat,
    blockSize: wish.blockSize,
    numBlocks,
    maxSequences,
    tokenBudget,
    longPrefillTokens: 0,
    // A small pool holds no longer sequence than itself.
    maxContextTokens: Math.min(longest, numBlocks * wish.blockSize),
    prefixCaching: wish.prefixCaching,
    layout: wish.layout,
    tier: wish.tier,
    eviction: wish.eviction,
    residualTokens: RESIDUAL_TOKENS,
    offload: 'none',
    hostBytes: 0,
    shuffleSeed: 0,
  };
}

function checkDemand({ maxPositionTokens }: ModelConfig, { sequences, tokens }: Demand): void {
  if (sequences > MOST_SEQUENCES) {
    throw new WishError(
      `${sequences} sequences at once are too many; ask for ${MOST_SEQUENCES} at most: fewer prompts or fewer samples.`,
    );
  }
  if (tokens > maxPositionTokens) {
    throw new WishError(
      `The longest prompt and its new tokens are ${tokens} together, and this model reads ${maxPositionTokens}; shorten the prompt or ask for ${tokens - maxPositionTokens} fewer tokens.`,
    );
  }
}

/** As many as every sequence could need, as far as the bytes reach; never fewer than the longest one needs. */
function blocksFor(
  config: ModelConfig,
  { kvFormat, blockSize, numBlocks }: CacheWish,
  most: Demand,
  demand: Demand,
  { poolBytes }: Room,
): number {
  const bytes = blockBytes(config, kvFormat, blockSize);
  const room = Math.floor(poolBytes / bytes);
  const least = Math.ceil((demand.tokens + 1) / blockSize) + 1;
  if (least > room) {
    throw new WishError(
      `One sequence of ${demand.tokens} tokens needs ${least} blocks of ${bytes} bytes, and there is room for ${room}; shorten it or choose a smaller KV format.`,
    );
  }
  if (numBlocks !== null) {
    if (numBlocks < least) {
      throw new WishError(
        `A pool of ${numBlocks} blocks can't hold the longest sequence; give it ${least} at least.`,
      );
    }
    if (numBlocks > room) {
      throw new WishError(
        `A pool of ${numBlocks} blocks needs ${numBlocks * bytes} bytes, and there is room for ${room} blocks.`,
      );
    }
    return numBlocks;
  }
  return Math.min(room, most.sequences * Math.ceil((most.tokens + 1) / blockSize) + 1);
}

function powerOfTwo(value: number, least: number): number {
  let power = least;
  while (power < value) power *= 2;
  return power;
}
