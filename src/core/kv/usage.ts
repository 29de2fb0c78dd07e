/**
 * What a pool's memory holds: bytes with tokens in them, bytes taken, bytes taken in vain. One definition for paged
 * and contiguous caches, so that the two can stand in one plot.
 */
import type { BlockTable } from './block-table.ts';
import { tailWasteSlots } from './bytes.ts';
import type { BlockPool } from './pool.ts';

export interface KvUsage {
  /** Slots that hold a token, times the bytes of a token; a shared token counts once. */
  readonly usedBytes: number;
  /** Bytes that no other sequence can take. */
  readonly reservedBytes: number;
  /** reserved − used. */
  readonly wastedBytes: number;
  /** Bytes of the whole pool. */
  readonly capacityBytes: number;
}

export function usageOf(usedBytes: number, reservedBytes: number, capacityBytes: number): KvUsage {
  return { usedBytes, reservedBytes, wastedBytes: reservedBytes - usedBytes, capacityBytes };
}

/**
 * Usage of a paged cache.
 * @param blockBytes Bytes of one block over all layers.
 */
export function pagedUsage(pool: BlockPool, tables: Iterable<BlockTable>, blockBytes: number): KvUsage {
  const filled = new Map<number, number>();
  let blockSize = 1;
  for (const table of tables) {
    blockSize = table.blockSize;
    table.blocks.forEach((block, i) => {
      const isTail = i === table.blocks.length - 1;
      const slots = isTail ? blockSize - tailWasteSlots(table.tokens, blockSize) : blockSize;
      filled.set(block, Math.max(filled.get(block) ?? 0, slots));
    });
  }
  let slots = 0;
  for (const count of filled.values()) slots += count;
  const used = (slots * blockBytes) / blockSize;
  return usageOf(used, pool.numUsedBlocks * blockBytes, pool.numBlocks * blockBytes);
}
