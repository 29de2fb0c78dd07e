/**
 * Block hashes: hash(i) = H(hash(i − 1), tokens of block i, what else the block depends on). Equal hashes mean equal
 * text from the first token on, so a prefix is found by its last block. Only full blocks have one.
 *
 * Extra keys as vLLM's: the adapter counts in every block, a picture in the blocks that it touches, and the salt in the
 * first block only, from where the chain carries it on. (vLLM v1/core/kv_cache_utils.py; docs/design/prefix_caching.md)
 * 128 bits of SHA-256: by accident two of 2^40 blocks agree with a probability of 2^−49.
 */
import { sha256 } from './sha256.ts';

declare const blockHash: unique symbol;
/** 32 hexadecimal digits. */
export type BlockHash = string & { readonly [blockHash]: true };

export interface HashExtra {
  /** Shares nothing with prompts of another salt. */
  readonly salt?: string;
  /** Name of a LoRA adapter: it changes every K and V. */
  readonly lora?: string;
  /** Pictures or sounds, by the tokens that stand for them: [from, to). */
  readonly media?: readonly { readonly from: number; readonly to: number; readonly hash: string }[];
}

const HASH_WORDS = 4;

/** The hash of the parent of a first block. */
const ROOT: readonly number[] = new Array<number>(HASH_WORDS).fill(0);

/**
 * One hash for each full block.
 * @param tokens whole numbers from 0 to 2^32 − 1
 * @throws RangeError for a token that is none
 */
export function chainedBlockHashes(
  tokens: ArrayLike<number>,
  blockSize: number,
  extra: HashExtra = {},
): BlockHash[] {
  const hashes: BlockHash[] = [];
  const words: number[] = [];
  let parent: ArrayLike<number> = ROOT;
  for (let from = 0; from + blockSize <= tokens.length; from += blockSize) {
    words.length = 0;
    for (let i = 0; i < HASH_WORDS; i++) words.push(parent[i] ?? 0);
    for (let i = from; i < from + blockSize; i++) words.push(tokenWord(tokens[i], i));
    pushExtra(words, from, from + blockSize, extra);
    parent = sha256(words);
    hashes.push(hexOf(parent));
  }
  return hashes;
}

function tokenWord(token: number | undefined, at: number): number {
  if (token !== undefined && token >>> 0 === token) return token;
  throw new RangeError(`Token ${at} is ${String(token)}; a whole number from 0 to 4294967295 is needed.`);
}

function pushExtra(words: number[], from: number, to: number, { salt, lora, media }: HashExtra): void {
  if (salt !== undefined && from === 0) pushText(words, 's', salt);
  if (lora !== undefined) pushText(words, 'l', lora);
  for (const item of media ?? []) {
    if (item.from >= to || item.to <= from) continue;
    // Where the picture begins relative to the block: the same picture one token later is another block.
    words.push(item.from - from);
    pushText(words, 'm', item.hash);
  }
}

/** Kind, length and characters, so that no two lists of extras make the same words. */
function pushText(words: number[], kind: string, text: string): void {
  words.push(kind.charCodeAt(0), text.length);
  for (let i = 0; i < text.length; i++) words.push(text.charCodeAt(i));
}

function hexOf(words: ArrayLike<number>): BlockHash {
  let hex = '';
  for (let i = 0; i < HASH_WORDS; i++) hex += ((words[i] ?? 0) >>> 0).toString(16).padStart(8, '0');
  return hex as BlockHash;
}
