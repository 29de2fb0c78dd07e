/** What those who act on a running cache need of the block manager and of the scheduler: inverses, and room held back. */
import { describe, expect, it } from 'vitest';
import { BlockManager } from '../../../src/core/kv/block-manager.ts';
import { createRandom } from '../../../src/core/random.ts';
import { requestTable, type RequestRow } from '../../../src/core/schedule/requests.ts';
import { Sequences } from '../../../src/core/schedule/sequences.ts';
import { VllmScheduler } from '../../../src/core/schedule/vllm.ts';

function row(promptTokens: number, outputTokens = 1, blockIds: readonly number[] = []): RequestRow {
  return { arrivalMs: 0, promptTokens, outputTokens, blockIds };
}

function manager(numBlocks: number, rows: readonly RequestRow[], prefixCaching = false): BlockManager {
  return new BlockManager({ numBlocks, blockSize: 4, requests: requestTable(rows), prefixCaching });
}

describe('blocks that come back', () => {
  it('are the same ones where they are still free', () => {
    const blocks = manager(8, [row(20)]);
    blocks.admit(0, 20);
    const held = blocks.blocksOf(0).filter((_, place) => place === 1 || place === 3);
    blocks.drop(0, [1, 3]);
    expect(blocks.blocksOf(0)).toEqual([0, 2, 4]);
    expect(blocks.restore(0, [1, 3], held)).toEqual([1, 3]);
    expect(blocks.blocksOf(0)).toEqual([0, 1, 2, 3, 4]);
    expect(blocks.droppedTokens(0)).toBe(0);
    blocks.check();
  });

  it('are others where somebody has taken them, and none where too few are free', () => {
    const blocks = manager(6, [row(16), row(12), row(8)]);
    blocks.admit(0, 16);
    const held = [...blocks.blocksOf(0)];
    blocks.drop(0, [0, 1]);
    blocks.admit(1, 12);
    expect(blocks.restore(0, [0, 1], held.slice(0, 2))).toBeNull();
    expect(blocks.blocksOf(0)).toEqual([2, 3]);
    blocks.free(1);
    blocks.admit(2, 4);
    const back = blocks.restore(0, [0, 1], held.slice(0, 2));
    expect(back).toHaveLength(2);
    expect(new Set(blocks.blocksOf(0)).size).toBe(4);
    blocks.check();
  });

  it('are not found under the text that they held', () => {
    const blocks = manager(8, [row(16, 1, [1, 2, 3, 4]), row(16, 1, [1, 2, 3, 4])], true);
    blocks.lookup(0, 16);
    blocks.admit(0, 16);
    const held = [...blocks.blocksOf(0)];
    blocks.drop(0, [0]);
    expect(blocks.lookup(1, 16)).toBe(3);
    blocks.restore(0, [0], held.slice(0, 1));
    expect(blocks.lookup(1, 16)).toBe(0);
    blocks.check();
  });
});

describe('contents that are not to be found', () => {
  it('leave the cache while their sequence keeps the block', () => {
    const blocks = manager(8, [row(16, 1, [1, 2, 3, 4]), row(16, 1, [1, 2, 3, 4])], true);
    blocks.lookup(0, 16);
    blocks.admit(0, 16);
    for (const block of blocks.blocksOf(0).slice(1, 2)) blocks.uncache(block);
    expect(blocks.lookup(1, 16)).toBe(1);
    blocks.check();
    blocks.free(0);
    blocks.check();
    expect(blocks.numIdleCachedBlocks).toBe(3);
  });

  it('are those of ended sequences above a limit, the next to be given out first', () => {
    const blocks = manager(8, [row(16, 1, [1, 2, 3, 4])], true);
    blocks.lookup(0, 16);
    blocks.admit(0, 16);
    blocks.free(0, 16);
    expect(blocks.numIdleCachedBlocks).toBe(4);
    blocks.limitIdle(2);
    expect(blocks.numIdleCachedBlocks).toBe(2);
    // A sequence's tail is lost before its head.
    expect([1, 2, 3, 4].map((id) => blocks.isCached(id))).toEqual([true, true, false, false]);
    blocks.check();
  });
});

function scheduled(numBlocks: number, rows: readonly RequestRow[], ahead: boolean) {
  const requests = requestTable(rows);
  const blocks = new BlockManager({ numBlocks, blockSize: 4, requests, prefixCaching: false });
  const sequences = new Sequences(requests, 4);
  const scheduler = new VllmScheduler({
    ...{ manager: blocks, sequences, tokenBudget: 64, maxSequences: 8, longPrefillTokens: 0, ahead },
    priorities: 'fcfs',
    watermarkBlocks: 0,
    reserveFullPrompt: false,
  });
  return { blocks, sequences, scheduler };
}

describe.each([false, true])('requests that are held between two steps (ahead: %s)', (ahead) => {
  it('stand still with their blocks and go on where they stood', () => {
    const { blocks, sequences, scheduler } = scheduled(32, [row(10, 6), row(7, 6)], ahead);
    [0, 1].forEach((request) => scheduler.add(request));
    const turn = () => {
      const plan = scheduler.schedule();
      return plan ? [...scheduler.complete(plan).finished] : null;
    };
    for (let i = 0; i < 3; i++) turn();
    scheduler.hold(0);
    const [computed, generated] = [sequences.computed(0), sequences.generated(0)];
    turn();
    turn();
    expect([sequences.computed(0), sequences.generated(0)]).toEqual([computed, generated]);
    expect(scheduler.runningRows()).toEqual([1]);
    scheduler.resume(0);
    expect(scheduler.runningRows()).toEqual([1, 0]);
    const finished: number[] = [];
    for (let ended = turn(); ended; ended = turn()) finished.push(...ended);
    expect(finished.sort()).toEqual([0, 1]);
    expect([sequences.generated(0), sequences.generated(1)]).toEqual([6, 6]);
    expect(blocks.numActiveBlocks).toBe(0);
    blocks.check();
  });

  it('or preempted wait before all others and lose nothing but their blocks', () => {
    const { blocks, sequences, scheduler } = scheduled(32, [row(10, 6), row(7, 6)], ahead);
    [0, 1].forEach((request) => scheduler.add(request));
    for (let i = 0; i < 3; i++) {
      const plan = scheduler.schedule();
      if (plan) scheduler.complete(plan);
    }
    scheduler.preempt(1);
    expect([scheduler.numRunning, scheduler.numWaiting]).toEqual([1, 1]);
    expect(blocks.blocksOf(1)).toEqual([]);
    expect(sequences.generated(1)).toBe(3);
    for (let plan = scheduler.schedule(); plan; plan = scheduler.schedule()) scheduler.complete(plan);
    expect(sequences.generated(1)).toBe(6);
    blocks.check();
  });
});

it('1,000 drops, restores and cuts in random order leave a pool whose counts add up', () => {
  const random = createRandom(11);
  const rows = Array.from({ length: 6 }, (_, i) =>
    row(
      24,
      1,
      [0, 1, 2, 3, 4, 5].map((k) => (k < 2 ? k : 10 * i + k)),
    ),
  );
  const blocks = manager(40, rows, true);
  const dropped = new Map<number, { places: number[]; ids: ReturnType<BlockManager['blocksOf']> }>();
  for (let step = 0; step < 1000; step++) {
    const request = random.below(rows.length);
    const table = blocks.blocksOf(request);
    const gone = dropped.get(request);
    const what = random.below(5);
    if (table.length === 0 && !gone) {
      blocks.lookup(request, 24);
      blocks.admit(request, 24);
    } else if (what === 0 && !gone && table.length > 1) {
      const places = [...table.keys()].filter((place) => place < table.length - 1 && random.below(2) === 0);
      dropped.set(request, { places, ids: places.flatMap((place) => table[place] ?? []) });
      blocks.drop(request, places);
    } else if (what === 1 && gone) {
      if (blocks.restore(request, gone.places, gone.ids)) dropped.delete(request);
    } else if (what === 2) {
      dropped.delete(request);
      blocks.free(request, gone ? 0 : 24);
    } else if (what === 3) blocks.limitIdle(random.below(8));
    else for (const block of table.slice(0, 1)) blocks.uncache(block);
    blocks.check();
  }
});
