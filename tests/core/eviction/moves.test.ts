import { describe, expect, test } from 'vitest';
import { applyMoves, compactionMoves, freedBlocks, slotMoves } from '../../../src/core/eviction/moves.ts';
import { range } from '../../../src/core/eviction/select.ts';
import { streamingLlmKeep, streamingLlmTable } from '../../../src/core/eviction/streaming-llm.ts';
import { editTable } from '../../../src/core/eviction/table-edit.ts';
import { createRandom } from '../../../src/core/random.ts';
import { isVisible } from '../../../src/gpu/kernels/prefill.twin.ts';

describe('compaction', () => {
  test.each([
    { kept: [0, 1, 2], moves: [] },
    { kept: [], moves: [] },
    { kept: [3], moves: [{ from: 3, to: 0 }] },
    {
      kept: [0, 2, 5, 7],
      moves: [
        { from: 7, to: 1 },
        { from: 5, to: 3 },
      ],
    },
    { kept: [1, 2, 3], moves: [{ from: 3, to: 0 }] },
  ])('of $kept', ({ kept, moves }) => expect(compactionMoves(kept)).toEqual(moves));

  test('puts every kept token below the new length, moving none twice, in any order of moves', () => {
    const random = createRandom(3);
    for (let round = 0; round < 100; round++) {
      const length = 1 + random.below(60);
      const kept = range(0, length).filter(() => random.below(3) > 0);
      const moves = compactionMoves(kept);
      const destinations = new Set(moves.map(({ to }) => to));
      expect(moves.some(({ from }) => destinations.has(from))).toBe(false);
      const after = applyMoves(range(0, length), random.shuffled(moves), kept.length);
      expect([...after].sort((a, b) => a - b)).toEqual(kept);
    }
  });

  test('finds the slots behind a table', () => {
    expect(slotMoves([{ from: 13, to: 2 }], [5, 9], 8)).toEqual([{ from: 9 * 8 + 5, to: 5 * 8 + 2 }]);
  });

  test.each([
    { length: 100, kept: 64, blocks: 3 },
    { length: 100, kept: 100, blocks: 0 },
    { length: 33, kept: 32, blocks: 1 },
    { length: 33, kept: 0, blocks: 3 },
  ])('of $length tokens to $kept frees $blocks blocks of 16', ({ length, kept, blocks }) => {
    expect(freedBlocks(length, kept, 16)).toBe(blocks);
  });
});

describe('StreamingLLM as an edit of the table', () => {
  test('drops the whole blocks between the sinks and the window', () => {
    expect(streamingLlmTable(100, 4, 20, 16)).toEqual({
      keptBlocks: [0, 5, 6],
      droppedBlocks: [1, 2, 3, 4],
      length: 36,
    });
    expect(streamingLlmTable(20, 4, 20, 16).droppedBlocks).toEqual([]);
  });

  test('leaves exactly the kept tokens visible through the window and the sinks', () => {
    for (const blockSize of [8, 16, 32]) {
      for (let length = 1; length < 150; length++) {
        const [sinks, recent] = [4, 21];
        const edit = streamingLlmTable(length, sinks, recent, blockSize);
        const tokens = edit.keptBlocks.flatMap((block) =>
          range(block * blockSize, Math.min(length, (block + 1) * blockSize)),
        );
        expect(tokens).toHaveLength(edit.length);
        const visible = tokens.filter((_, at) => isVisible(at, edit.length - 1, recent, sinks));
        expect(visible).toEqual(streamingLlmKeep(length, sinks, recent));
      }
    }
  });
});

describe('table edits', () => {
  test('free the blocks that leave', () => {
    expect(editTable([7, 3, 9, 1, 0], 60, 16, [0, 2, 3])).toEqual({
      table: [7, 9, 1],
      freed: [3],
      length: 44,
    });
  });

  test('refuse to drop the newest block', () => {
    expect(() => editTable([7, 3], 20, 16, [0])).toThrow(/keep the newest block, 1/);
  });
});
