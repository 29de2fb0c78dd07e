import { describe, expect, it } from 'vitest';
import { BlockTable } from '../../../src/core/kv/block-table.ts';
import { applyCompaction, planCompaction, planWaves } from '../../../src/core/kv/compaction.ts';
import { ContiguousReservation, type ReservationId } from '../../../src/core/kv/contiguous.ts';
import { BlockPool, type BlockId, type BlockMove } from '../../../src/core/kv/pool.ts';
import { pagedUsage } from '../../../src/core/kv/usage.ts';
import { createRandom, type Random } from '../../../src/core/random.ts';
import { vectors } from '../../golden/vectors.ts';

const id = (block: number) => block as BlockId;
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

function taken(pool: BlockPool, count: number): readonly BlockId[] {
  const allocation = pool.allocate(count);
  if (allocation.kind === 'full') throw new Error('the pool is full');
  return allocation.blocks;
}

describe('the allocation order is a contract', () => {
  it('a new pool hands out 0, 1, 2 …, and freed blocks wait at the tail', () => {
    const pool = new BlockPool(5);
    expect(taken(pool, 3)).toEqual([0, 1, 2]);
    pool.release(id(1));
    pool.release(id(0));
    expect(pool.freeBlocks()).toEqual([3, 4, 1, 0]);
    expect(taken(pool, 3)).toEqual([3, 4, 1]);
  });

  it('a freed table gives its last block back first', () => {
    const pool = new BlockPool(4);
    const table = new BlockTable(pool, 4);
    table.append(12);
    table.free();
    expect(pool.freeBlocks()).toEqual([3, 2, 1, 0]);
  });

  it.each(vectors('vllm/prefix/docs-example'))('$id', ({ input, expected }) => {
    const queue = input['free_queue_head_to_tail'] as BlockId[];
    const hits = input['hit_blocks'] as BlockId[];
    const pool = new BlockPool(queue.length);
    taken(pool, queue.length);
    queue.forEach((block) => pool.release(block));
    hits.forEach((block) => pool.touch(block));
    const afterTouch = pool.freeBlocks();
    const needed = Math.ceil(Number(input['request_tokens']) / Number(input['block_size'])) - hits.length;
    expect({
      free_queue_after_touch: afterTouch,
      new_blocks: taken(pool, needed),
      free_queue_after_alloc: pool.freeBlocks(),
    }).toEqual(expected);
  });
});

describe('the pool refuses', () => {
  it('more than is free, by a value that names itself', () => {
    const pool = new BlockPool(2);
    expect(pool.canAllocate(3)).toBe(false);
    expect(pool.allocate(3)).toEqual({ kind: 'full', needed: 3, free: 2 });
    expect(pool.numFreeBlocks).toBe(2);
  });

  it('a second release', () => {
    const pool = new BlockPool(2);
    const [block = id(0)] = taken(pool, 1);
    pool.release(block);
    expect(() => pool.release(block)).toThrow('Block 0 was freed twice.');
    expect(() => pool.retain(block)).toThrow(/free/);
    expect(() => pool.release(id(9))).toThrow(/outside the pool of 2/);
  });

  it('check() notices a table whose reference was lost', () => {
    const pool = new BlockPool(2);
    const table = new BlockTable(pool, 4);
    table.append(1);
    pool.release(id(0));
    expect(() => pool.check([table])).toThrow('Block 0 stands in 1 tables but has 0 references.');
  });
});

describe('ten blocks of four tokens', () => {
  it('append, fork, copy-on-write, free', () => {
    const pool = new BlockPool(10);
    const first = new BlockTable(pool, 4);
    expect(first.append(6)).toEqual({ kind: 'ok', slots: [0, 1, 2, 3, 4, 5], copies: [] });
    const second = first.fork();
    expect(second.blocks).toEqual([0, 1]);
    expect(second.blocksNeeded(1)).toBe(1);
    expect(second.append(1)).toEqual({ kind: 'ok', slots: [10], copies: [{ from: 1, to: 2 }] });
    expect(second.blocks).toEqual([0, 2]);
    // The first table has its tail for itself again.
    expect(first.append(1)).toEqual({ kind: 'ok', slots: [6], copies: [] });
    expect(pool.numUsedBlocks).toBe(3);
    first.free();
    expect(pool.numUsedBlocks).toBe(2);
    second.free();
    expect(pool.numUsedBlocks).toBe(0);
  });

  it('a fork at a block border shares without a copy', () => {
    const pool = new BlockPool(10);
    const first = new BlockTable(pool, 4);
    first.append(9);
    const second = first.fork(8);
    expect(second.append(1)).toEqual({ kind: 'ok', slots: [12], copies: [] });
  });

  it('an append that needs the copy is refused when no block is free', () => {
    const pool = new BlockPool(2);
    const first = new BlockTable(pool, 4);
    first.append(6);
    const second = first.fork();
    expect(second.canAppend(1)).toBe(false);
    expect(second.append(1)).toEqual({ kind: 'full', needed: 1, free: 0 });
    expect(second.tokens).toBe(6);
  });

  it('usage counts a shared token once', () => {
    const pool = new BlockPool(10);
    const first = new BlockTable(pool, 4);
    first.append(6);
    const second = first.fork();
    second.append(1);
    // Blocks 0 (full, shared), 1 (2 of 4) and 2 (3 of 4) at 400 bytes.
    expect(pagedUsage(pool, [first, second], 400)).toEqual({
      usedBytes: 900,
      reservedBytes: 1200,
      wastedBytes: 300,
      capacityBytes: 4000,
    });
  });

  it('writes the GPU row', () => {
    const pool = new BlockPool(4);
    const table = new BlockTable(pool, 4);
    table.append(5);
    const row = new Uint32Array(4).fill(9);
    table.writeRow(row);
    expect([...row]).toEqual([0, 1, 0, 0]);
    expect(() => table.writeRow(new Uint32Array(1))).toThrow(/room for 1/);
  });
});

/** A shadow of the cache: what each slot holds, moved and overwritten as the GPU would do it. */
class Shadow {
  readonly slots: string[];
  readonly blockSize: number;
  constructor(numBlocks: number, blockSize: number) {
    this.blockSize = blockSize;
    this.slots = new Array<string>(numBlocks * blockSize).fill('');
  }
  move(moves: readonly BlockMove[]): void {
    const before = this.slots.slice();
    for (const { from, to } of moves) {
      for (let i = 0; i < this.blockSize; i++) {
        this.slots[to * this.blockSize + i] = before[from * this.blockSize + i] ?? '';
      }
    }
  }
}

interface Walker {
  readonly table: BlockTable;
  /** The tokens that the table should show. */
  readonly text: string[];
}

function randomStep(random: Random, pool: BlockPool, walkers: Walker[], shadow: Shadow, step: number): void {
  const choice = random.below(10);
  const walker = walkers.length > 0 ? walkers[random.below(walkers.length)] : undefined;
  if (!walker || choice === 0) {
    walkers.push({ table: new BlockTable(pool, shadow.blockSize), text: [] });
  } else if (choice < 6) {
    const count = random.below(11);
    const free = pool.numFreeBlocks;
    const could = walker.table.canAppend(count);
    const appended = walker.table.append(count);
    expect(appended.kind === 'ok').toBe(could);
    if (appended.kind === 'full') {
      expect(pool.numFreeBlocks).toBe(free);
      return;
    }
    shadow.move(appended.copies);
    appended.slots.forEach((slot, i) => {
      shadow.slots[slot] = `${step}.${i}`;
      walker.text.push(`${step}.${i}`);
    });
  } else if (choice === 6) {
    const tokens = random.below(walker.table.tokens + 1);
    walkers.push({ table: walker.table.fork(tokens), text: walker.text.slice(0, tokens) });
  } else if (choice === 7) {
    const tokens = random.below(walker.table.tokens + 1);
    walker.table.truncate(tokens);
    walker.text.length = tokens;
  } else if (choice === 8) {
    walker.table.free();
    walkers.splice(walkers.indexOf(walker), 1);
  } else {
    const moves = planCompaction(pool);
    applyCompaction(
      pool,
      walkers.map(({ table }) => table),
      moves,
    );
    shadow.move(moves);
    expect(Math.max(-1, ...walkers.flatMap(({ table }) => table.blocks))).toBeLessThan(pool.numUsedBlocks);
  }
}

describe('random walks over appends, forks, cuts, frees and compaction', () => {
  it.each(SEEDS)('seed %d: each table reads back its own tokens', (seed) => {
    const random = createRandom(seed);
    const blockSize = [1, 4, 16][seed % 3] ?? 4;
    const pool = new BlockPool(24);
    const shadow = new Shadow(24, blockSize);
    const walkers: Walker[] = [];
    for (let step = 0; step < 400; step++) {
      randomStep(random, pool, walkers, shadow, step);
      pool.check(walkers.map(({ table }) => table));
      for (const { table, text } of walkers) {
        expect(text.map((_, position) => shadow.slots[table.slotOf(position)])).toEqual(text);
      }
      const usage = pagedUsage(
        pool,
        walkers.map(({ table }) => table),
        blockSize,
      );
      expect(usage.wastedBytes).toBeGreaterThanOrEqual(0);
      expect(usage.reservedBytes).toBeLessThanOrEqual(usage.capacityBytes);
    }
    walkers.forEach(({ table }) => table.free());
    expect(pool.numFreeBlocks).toBe(24);
  });
});

describe('moves in waves', () => {
  const moves = (...pairs: [number, number][]): BlockMove[] =>
    pairs.map(([from, to]) => ({ from: id(from), to: id(to) }));

  it('a chain runs from its end', () => {
    expect(planWaves(moves([1, 2], [2, 3], [4, 5]))).toEqual({
      kind: 'ok',
      waves: [moves([2, 3], [4, 5]), moves([1, 2])],
    });
  });

  it('a ring needs a scratch block', () => {
    expect(planWaves(moves([1, 2], [2, 1]))).toEqual({ kind: 'cycle', blocks: [1, 2] });
    expect(planWaves(moves([1, 2], [2, 1]), id(9))).toMatchObject({ kind: 'ok' });
  });

  it('two moves to one block are refused', () => {
    expect(() => planWaves(moves([1, 3], [2, 3]))).toThrow(/block 3/);
  });

  it.each(SEEDS)('seed %d: any mapping ends as if all moves ran at once', (seed) => {
    const random = createRandom(seed).fork('waves');
    const ids = Array.from({ length: 12 }, (_, i) => i);
    const targets = random.shuffled(ids);
    const wanted = moves(
      ...ids.flatMap((from, i): [number, number][] =>
        random.below(4) ? [[random.below(3) ? from : random.below(12), targets[i] ?? 0]] : [],
      ),
    );
    const shadow = new Shadow(13, 1);
    ids.forEach((block) => (shadow.slots[block] = `block ${block}`));
    const expected = new Shadow(13, 1);
    expected.slots.splice(0, 13, ...shadow.slots);
    expected.move(wanted);
    const planned = planWaves(wanted, id(12));
    if (planned.kind !== 'ok') throw new Error('the scratch block was not used');
    for (const wave of planned.waves) {
      const sources = new Set(wave.map(({ from }) => from));
      expect(wave.some(({ to }) => sources.has(to))).toBe(false);
      shadow.move(wave);
    }
    expect(shadow.slots.slice(0, 12)).toEqual(expected.slots.slice(0, 12));
  });
});

describe('contiguous reservation', () => {
  it('wastes what is reserved and not used, and says external fragmentation', () => {
    const cache = new ContiguousReservation(100);
    const first = cache.reserve(40);
    const second = cache.reserve(20);
    cache.reserve(40);
    if (first.kind !== 'ok' || second.kind !== 'ok') throw new Error('no room');
    expect(cache.append(second.id, 3)).toEqual({ kind: 'ok', slots: [40, 41, 42] });
    expect(cache.append(second.id, 18)).toEqual({ kind: 'past-reservation', reserved: 20, needed: 21 });
    expect(cache.usage(10)).toEqual({
      usedBytes: 30,
      reservedBytes: 1000,
      wastedBytes: 970,
      capacityBytes: 1000,
    });
    cache.free(first.id);
    expect(cache.reserve(50)).toEqual({ kind: 'full', needed: 50, free: 40, largest: 40 });
    cache.free(second.id);
    expect(cache.canReserve(60)).toBe(true);
  });

  it.each(SEEDS)('seed %d: a random walk keeps every slot free xor reserved', (seed) => {
    const random = createRandom(seed).fork('contiguous');
    const cache = new ContiguousReservation(200);
    const live: ReservationId[] = [];
    for (let step = 0; step < 300; step++) {
      if (live.length > 0 && random.below(2) === 0) {
        const at = random.below(live.length);
        cache.free(live.splice(at, 1)[0] as ReservationId);
      } else {
        const slots = 1 + random.below(60);
        const could = cache.canReserve(slots);
        const reserved = cache.reserve(slots);
        expect(reserved.kind === 'ok').toBe(could);
        if (reserved.kind === 'ok') live.push(reserved.id);
      }
      cache.check();
    }
    live.forEach((reservation) => cache.free(reservation));
    expect(cache.largestFreeRun).toBe(200);
  });
});
