/**
 * Blocks of models whose layers differ: vLLM's grouping rule, and the blocks that a sequence holds in each group.
 *
 * Layers that keep alike are a type. Types are cut into groups of one size, so that one pool of one page size serves all:
 * a group's layers share a block table, and a pool block is one page of each of its layers. The size of a group is the
 * least number of layers of a type, or the most where that is less than 1.5 times the least; a type's last group may be
 * padded. Pages are made equal by giving layers with small tokens larger blocks; a state takes one block a sequence.
 * (vLLM v1/core/kv_cache_utils.py@001cabc)
 *
 * Boundary: counts. Memory is in budget.ts.
 */
import type { Architecture, Mixer } from '../model/architecture.ts';
import type { BlockGroup, Keeps } from './block-groups.ts';
import { blocksForTokens, slidingWindowFreeableBlocks, slidingWindowMaxBlocks } from './bytes.ts';
import { mixerBytesPerToken, mixerStateBytes, type KvSharding } from './layers.ts';

/** Layers that keep alike. */
interface LayerType {
  readonly mixer: Mixer;
  layers: number;
  readonly bytesPerToken: number;
  readonly stateBytes: number;
}

export interface KvGroup {
  readonly mixer: Mixer;
  /** Layers of the group, padding included. */
  readonly layers: number;
  /** Tokens of one block of this group; 0 for a state. */
  readonly blockSize: number;
}

export interface KvGroups {
  readonly groups: readonly KvGroup[];
  readonly groupSize: number;
  /** Bytes of one block of one layer; the same for all groups. */
  readonly pageBytes: number;
  /** Bytes of one pool block: a page of each layer of a group. */
  readonly blockBytes: number;
}

export interface GroupOptions extends KvSharding {
  /**
   * Windows and chunks are not known to the engine: each attention layer keeps every token. So it is in vLLM where its KV
   * goes to a connector, and in systems that reserve memory in one piece.
   */
  readonly everyToken?: boolean | undefined;
}

/** Size of a group of layers by the numbers of layers of each type. */
export function groupSizeOf(layersOfTypes: readonly number[]): number {
  const least = Math.min(...layersOfTypes);
  const most = Math.max(...layersOfTypes);
  return most < 1.5 * least ? most : least;
}

/** What makes two layers one type: how they keep and how much. */
function typeKey(mixer: Mixer, bytesPerToken: number, stateBytes: number): string {
  const limit =
    mixer.kind === 'sliding' ? mixer.windowTokens : mixer.kind === 'chunked' ? mixer.chunkTokens : 0;
  return [mixer.kind, limit, bytesPerToken, stateBytes].join(' ');
}

/** The same layer where the engine does not know that it forgets. */
function withoutWindow(mixer: Mixer): Mixer {
  if (mixer.kind === 'sliding') {
    const { windowTokens: _, ...heads } = mixer;
    return { ...heads, kind: 'full' };
  }
  if (mixer.kind === 'chunked') {
    const { chunkTokens: _, ...heads } = mixer;
    return { ...heads, kind: 'full' };
  }
  return mixer;
}

function layerTypes(
  { kinds }: Pick<Architecture, 'kinds'>,
  { format, tensorParallel, everyToken }: GroupOptions,
): LayerType[] {
  const types = new Map<string, LayerType>();
  for (const { layers, mixer: own } of kinds) {
    const mixer = everyToken === true ? withoutWindow(own) : own;
    const bytesPerToken = mixerBytesPerToken(mixer, format, tensorParallel);
    const stateBytes = mixerStateBytes(mixer, tensorParallel);
    if (bytesPerToken === 0 && stateBytes === 0) continue;
    const key = typeKey(mixer, bytesPerToken, stateBytes);
    const type = types.get(key);
    if (type) type.layers += layers;
    else types.set(key, { mixer, layers, bytesPerToken, stateBytes });
  }
  return [...types.values()];
}

/**
 * The groups of a model on one rank.
 * @param blockSize tokens of a block of the layers with the largest tokens
 */
export function kvGroups(
  model: Pick<Architecture, 'kinds'>,
  options: GroupOptions,
  blockSize: number,
): KvGroups {
  const types = layerTypes(model, options);
  const groupSize = groupSizeOf(types.map(({ layers }) => layers));
  const largestToken = Math.max(0, ...types.map(({ bytesPerToken }) => bytesPerToken));
  const state = Math.max(0, ...types.map(({ stateBytes }) => stateBytes));
  // A page holds a whole state, so tokens' blocks grow until they do.
  const tokens =
    largestToken === 0 ? 0 : blockSize * Math.max(1, Math.ceil(state / largestToken / blockSize));
  const pageBytes = Math.max(tokens * largestToken, largestToken === 0 ? state : 0);
  const groups = types.flatMap(({ mixer, layers, bytesPerToken }) => {
    // Whole blocks of the engine's size, so that hashes of its blocks name them; what is left of the page is padding.
    const fits = bytesPerToken === 0 ? 0 : Math.floor(pageBytes / bytesPerToken);
    const size = Math.floor(fits / blockSize) * blockSize;
    const count = Math.ceil(layers / groupSize);
    return Array.from({ length: count }, () => ({ mixer, layers: groupSize, blockSize: size }));
  });
  return { groups, groupSize, pageBytes, blockBytes: pageBytes * groupSize };
}

function keepsOf(mixer: Mixer, blockSize: number): Keeps {
  if (blockSize === 0) return { kind: 'state' };
  if (mixer.kind === 'sliding') return { kind: 'window', tokens: mixer.windowTokens };
  if (mixer.kind === 'chunked') return { kind: 'chunk', tokens: mixer.chunkTokens };
  return { kind: 'all' };
}

/** The groups as a block manager takes them. */
export function blockGroups({ groups }: Pick<KvGroups, 'groups'>): BlockGroup[] {
  return groups.map(({ mixer, blockSize }) => ({ keeps: keepsOf(mixer, blockSize), blockSize }));
}

/** Blocks of one group that a sequence of `tokens` tokens holds while it decodes. */
export function groupBlocks({ mixer, blockSize }: KvGroup, tokens: number): number {
  if (tokens === 0) return 0;
  if (blockSize === 0) return 1;
  const all = blocksForTokens(tokens, blockSize);
  if (mixer.kind === 'sliding')
    return all - slidingWindowFreeableBlocks(tokens, mixer.windowTokens, blockSize);
  if (mixer.kind === 'chunked') {
    const gone = Math.floor((tokens - 1) / mixer.chunkTokens) * mixer.chunkTokens;
    return all - Math.floor(gone / blockSize);
  }
  return all;
}

/** Pool blocks that a sequence of `tokens` tokens holds over all groups. */
export function sequenceBlocks({ groups }: Pick<KvGroups, 'groups'>, tokens: number): number {
  return groups.reduce((sum, group) => sum + groupBlocks(group, tokens), 0);
}

/**
 * Most pool blocks that a request of `maxTokens` can hold at any moment, `maxBatchedTokens` of prompt at a time: what
 * admission has to reckon with. (vLLM's max_memory_usage_bytes of each spec)
 * @param stateBlocks of one sequence in a group of states: 2 where prefixes of them are cached too (mamba_cache_mode align)
 */
export function mostSequenceBlocks(
  { groups }: Pick<KvGroups, 'groups'>,
  maxTokens: number,
  maxBatchedTokens: number,
  stateBlocks = 1,
): number {
  return groups.reduce((sum, { mixer, blockSize }) => {
    if (blockSize === 0) return sum + stateBlocks;
    if (mixer.kind === 'sliding') {
      return sum + slidingWindowMaxBlocks(mixer.windowTokens, maxBatchedTokens, maxTokens, blockSize);
    }
    const most =
      mixer.kind === 'chunked' ? Math.min(mixer.chunkTokens + maxBatchedTokens, maxTokens) : maxTokens;
    return sum + blocksForTokens(most, blockSize);
  }, 0);
}

/** Tokens that an engine prints as its capacity: as if every group were as hungry as the first. */
export function reportedTokens(poolBlocks: number, { groups }: Pick<KvGroups, 'groups'>): number {
  const sizes = groups.map(({ blockSize }) => blockSize).filter((size) => size > 0);
  if (groups.length === 0 || sizes.length === 0) return 0;
  return Math.floor(poolBlocks / groups.length) * Math.min(...sizes);
}

/** Sequences of `maxTokens` that a pool holds at once. */
export function maxConcurrency(poolBlocks: number, blocksPerSequence: number): number {
  return poolBlocks / blocksPerSequence;
}

/** The least number that both divide. */
export function leastCommonMultiple(a: number, b: number): number {
  let [large, rest] = [a, b];
  while (rest > 0) [large, rest] = [rest, large % rest];
  return (a / large) * b;
}

/** Blocks in a row, from the end of a prefix, that a hit needs under a sliding window. */
export function slidingWindowBlocksForHit(windowTokens: number, blockSize: number): number {
  return blocksForTokens(windowTokens - 1, blockSize);
}

/** Tokens of a prompt that a prefix cache of whole blocks answers: its last token is always computed. */
export function prefixHitTokens(promptTokens: number, cachedTokens: number, blockSize: number): number {
  return Math.floor(Math.min(promptTokens - 1, cachedTokens) / blockSize) * blockSize;
}

/** Longest sequence, up to what was asked, whose blocks of all layers fit into `availableBytes`. */
export function maxModelTokens(
  availableBytes: number,
  pageBytes: number,
  layers: number,
  blockSize: number,
  requested: number,
): number {
  const blocks = Math.floor(Math.floor(availableBytes / pageBytes) / layers);
  return Math.min(requested, blocks * blockSize);
}
