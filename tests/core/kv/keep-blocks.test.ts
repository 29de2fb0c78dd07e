import { describe, expect, it } from 'vitest';
import { BlockTable } from '../../../src/core/kv/block-table.ts';
import { BlockPool } from '../../../src/core/kv/pool.ts';

describe('keeping some blocks of a table', () => {
  it('drops the others, last first, and keeps the order', () => {
    const pool = new BlockPool(6);
    const table = new BlockTable(pool, 4);
    table.append(18);
    table.keepBlocks([0, 3, 4]);
    expect(table.blocks).toEqual([0, 3, 4]);
    expect(table.tokens).toBe(10);
    expect(pool.freeBlocks()).toEqual([5, 2, 1]);
    pool.check([table]);
  });

  it('refuses to lose the newest block, which may be partial', () => {
    const table = new BlockTable(new BlockPool(3), 4);
    table.append(9);
    expect(() => table.keepBlocks([0, 1])).toThrow('Block 2');
    expect(table.tokens).toBe(9);
  });
});
