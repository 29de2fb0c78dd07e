/** Walking through a recorded run: steps, play, changes of a block, and the sentences that say what is seen. */
import { describe, expect, test } from 'vitest';
import { HistoryReader } from '../../src/sim/recorder-reader.ts';
import { blockSentence, eventSentence, requestLetter, stepSentence } from '../../src/state/walk-words.ts';
import { BlockWalk, speedFor } from '../../src/state/walk.svelte.ts';
import { traceShape } from '../../src/views/simulate/blocks/trace.ts';
import { recordEngine } from '../sim/support/recorded.ts';

/** Two requests with a common block; the second one finds it. */
function reader(): HistoryReader {
  const rows = [
    { arrivalMs: 0, promptTokens: 6, outputTokens: 4, blockIds: [0, 1] },
    { arrivalMs: 5, promptTokens: 6, outputTokens: 2, blockIds: [0, 2] },
  ];
  const { recorder } = recordEngine(rows, { numBlocks: 6, blockSize: 4, tokenBudget: 16 });
  return new HistoryReader(recorder.history());
}

describe('a walk', () => {
  test('stays within the run', () => {
    const walk = new BlockWalk(reader());
    expect(walk.step).toBe(-1);
    expect(walk.state.numActive).toBe(0);
    walk.go(1000);
    expect(walk.step).toBe(walk.lastStep);
    walk.go(-7);
    expect(walk.step).toBe(-1);
    walk.halt(1);
    expect(walk.timeMs).toBe(20);
    expect(walk.state.numActive).toBe(3);
  });

  test('plays at its speed, stops at the end, starts over', () => {
    const walk = new BlockWalk(reader());
    walk.speed = 2;
    walk.advance(10_000);
    expect(walk.step).toBe(-1);
    walk.toggle();
    walk.advance(400);
    expect(walk.step).toBe(-1);
    walk.advance(200);
    expect(walk.step).toBe(0);
    walk.advance(100_000);
    expect([walk.step, walk.playing]).toEqual([walk.lastStep, false]);
    walk.toggle();
    expect([walk.step, walk.playing]).toEqual([-1, true]);
    walk.halt(0);
    expect(walk.playing).toBe(false);
  });

  test('finds where a block changes', () => {
    const walk = new BlockWalk(reader(), -1);
    const first = walk.changeOf(0, 1);
    expect(first).toBe(0);
    walk.go(first ?? 0);
    const next = walk.changeOf(0, 1);
    expect(next).toBe(1);
    walk.go(walk.lastStep);
    expect(walk.changeOf(0, 1)).toBeNull();
    expect(walk.changeOf(5, -1)).toBeNull();
  });

  test.each([
    [10, 1],
    [40, 2],
    [500, 20],
    [2_000_000, 500],
  ])('%i steps play at %i a second', (steps, speed) => expect(speedFor(steps)).toBe(speed));
});

describe('sentences', () => {
  test('a step says what happened and how the pool stands', () => {
    const read = reader();
    expect(stepSentence(read, -1)).toBe('Before the first step: 6 blocks, all free and empty.');
    expect(stepSentence(read, 0)).toBe(
      'Step 0, ends at 10 ms: 2 blocks given out. 2 of 6 blocks in use, 0 free with contents, 4 free and empty.',
    );
    expect(stepSentence(read, 1)).toMatch(/1 block given out, 1 found in the cache/);
  });

  test('a block says who refers to it', () => {
    const read = reader();
    expect(blockSentence(read, 0, read.momentOf(1), requestLetter)).toBe(
      'Block 0: 2 references, request A, request B, holds text 0.',
    );
    expect(blockSentence(read, 5, read.momentOf(1), requestLetter)).toBe('Block 5: free and empty.');
    expect(blockSentence(read, 0, read.numEvents, requestLetter)).toBe('Block 0: free, still holds text 0.');
  });

  test('every kind of event has its sentence', () => {
    const read = reader();
    const all = Array.from({ length: read.numEvents }, (_, i) =>
      eventSentence(read.eventAt(i), requestLetter),
    );
    expect(all).toContain('Block 0 is given to request A.');
    expect(all).toContain('Block 0 is full: it can be found as text 0.');
    expect(all).toContain('Block 0 is found: request B refers to it instead of computing text 0 again.');
    expect(all.some((text) => /given back by request .; request . still refers/.test(text))).toBe(true);
  });
});

test('the run at a glance has at most one stair a pixel', () => {
  const { active, cached, preemptions } = traceShape(reader(), 600, 40);
  expect(active).toMatch(/^M0,40V/);
  expect(active.split('H')).toHaveLength(reader().numSteps + 1);
  expect(cached.length).toBeGreaterThan(0);
  expect(preemptions).toEqual([]);
  expect(traceShape(reader(), 2, 40).active.split('H')).toHaveLength(3);
});
