/** Blocks that sequences save are given to others while they live, and taken back when they end. */
import { describe, expect, it } from 'vitest';
import { BlockManager } from '../../../src/core/kv/block-manager.ts';
import { createRandom } from '../../../src/core/random.ts';
import { requestTable } from '../../../src/core/schedule/requests.ts';

const rows = (count: number, ids: (row: number) => number[] = () => []) =>
  requestTable(
    Array.from({ length: count }, (_, row) => ({
      arrivalMs: 0,
      promptTokens: 64,
      outputTokens: 64,
      blockIds: ids(row),
    })),
  );
const managerOf = (count: number, prefixCaching = false, ids?: (row: number) => number[]) =>
  new BlockManager({
    numBlocks: 10 + 30,
    spareBlocks: 30,
    blockSize: 4,
    requests: rows(count, ids),
    prefixCaching,
  });
const admit = (manager: BlockManager, row: number, tokens: number): boolean => {
  manager.lookup(row, tokens);
  return manager.admit(row, tokens);
};

describe('credits', () => {
  it('without one, the pool is as large as the memory', () => {
    const manager = managerOf(3);
    expect([manager.numBlocks, manager.numFreeBlocks, manager.numActiveBlocks]).toEqual([10, 10, 0]);
    expect(admit(manager, 0, 40)).toBe(true);
    expect([manager.numFreeBlocks, manager.numActiveBlocks]).toEqual([0, 10]);
    expect(admit(manager, 1, 4)).toBe(false);
    manager.check();
  });

  it('gives out what a sequence saves, and takes it back when the sequence ends', () => {
    const manager = managerOf(3);
    admit(manager, 0, 40);
    manager.setCredit(0, 4);
    expect([manager.numFreeBlocks, manager.numActiveBlocks]).toEqual([4, 6]);
    expect(admit(manager, 1, 16)).toBe(true);
    manager.free(0, 40);
    expect([manager.numFreeBlocks, manager.numActiveBlocks]).toEqual([6, 4]);
    manager.check();
  });

  it('a credit that is withdrawn while its blocks are in use is a debt, which blocks that become free pay', () => {
    const manager = managerOf(3);
    admit(manager, 0, 40);
    manager.setCredit(0, 4);
    admit(manager, 1, 16);
    manager.setCredit(0, 0);
    expect([manager.numFreeBlocks, manager.numActiveBlocks]).toEqual([-4, 14]);
    manager.check();
    expect(manager.grow(0, 41)).toBe(false);
    manager.free(1, 16);
    expect([manager.numFreeBlocks, manager.numActiveBlocks]).toEqual([0, 10]);
    manager.check();
  });

  it('takes back contents of the prefix cache in their turn', () => {
    const manager = managerOf(3, true, (row) => Array.from({ length: 10 }, (_, i) => row * 100 + i));
    admit(manager, 0, 20);
    manager.free(0, 20);
    expect(manager.numIdleCachedBlocks).toBe(5);
    admit(manager, 1, 20);
    manager.setCredit(1, 3);
    expect(manager.numFreeBlocks).toBe(8);
    expect(admit(manager, 2, 12)).toBe(true);
    expect(manager.numIdleCachedBlocks).toBe(5);
    manager.setCredit(1, 0);
    expect([manager.numFreeBlocks, manager.numIdleCachedBlocks]).toEqual([2, 2]);
    manager.check();
  });

  it('a random walk leaves every block free, in a table or in the reserve', () => {
    const random = createRandom(7);
    const manager = managerOf(20, true, (row) => Array.from({ length: 8 }, (_, i) => (row % 5) * 100 + i));
    const running = new Map<number, number>();
    for (let step = 0; step < 3000; step++) {
      const row = random.below(20);
      const tokens = running.get(row);
      if (tokens === undefined) {
        const asked = 4 + random.below(40);
        if (admit(manager, row, asked)) running.set(row, asked);
      } else if (random.below(3) === 0) {
        manager.free(row, tokens);
        running.delete(row);
      } else if (random.below(2) === 0) {
        manager.setCredit(row, random.below(manager.blocksOf(row).length + 1));
      } else if (manager.grow(row, tokens + 3)) running.set(row, tokens + 3);
      manager.check();
      const credits = [...running.keys()].reduce((sum, each) => sum + manager.creditOf(each), 0);
      const unique = new Set([...running.keys()].flatMap((each) => manager.blocksOf(each))).size;
      expect(manager.numActiveBlocks).toBe(unique - credits);
      expect(manager.numFreeBlocks).toBe(10 - manager.numActiveBlocks);
    }
  });
});
