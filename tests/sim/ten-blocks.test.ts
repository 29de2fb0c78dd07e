/**
 * The worked example: ten blocks of four tokens, step by step as literal lists. The page Explained tells this run, and
 * chapters.ts quotes it; whoever changes one of these lists changes the text.
 */
import { describe, expect, test } from 'vitest';
import { presetSimulation } from '../../src/core/scenario/presets.ts';
import { recordBlocks } from '../../src/sim/record.ts';
import { HistoryReader } from '../../src/sim/recorder-reader.ts';
import { requestSpans } from '../../src/sim/recorder-timeline.ts';

const { history, requests } = recordBlocks(presetSimulation('ten-blocks'));
const reader = new HistoryReader(history);
const NAMES = 'ABCD';

/** Block by block: who refers to it, and after a colon the text that it can be found as. */
function blocksAfter(step: number): string {
  const moment = reader.momentOf(step);
  const { contents } = reader.stateAt(moment);
  return Array.from({ length: history.numBlocks }, (_, block) => {
    const holders = reader.holdersOf(block, moment).map((row) => NAMES[row]);
    const text = contents[block] ?? -1;
    return `${holders.join('') || '-'}${text < 0 ? '' : `:${text}`}`;
  }).join(' ');
}

function happened(step: number): string {
  return reader
    .eventsOf(step)
    .map(({ kind, block, request }) => `${kind} ${block}${NAMES[request]}`)
    .join(', ');
}

test('four requests that begin with the same twelve tokens', () => {
  expect([...requests.promptTokens]).toEqual([16, 21, 16, 16]);
  expect([...requests.outputTokens]).toEqual([2, 6, 4, 3]);
  expect([...requests.arrivalMs]).toEqual([20, 40, 60, 80]);
  const ids = (row: number) => [
    ...requests.blockIds.slice(requests.blockStart[row], requests.blockStart[row + 1]),
  ];
  expect([0, 1, 2, 3].map((row) => ids(row).slice(0, 3))).toEqual([
    [0, 1, 2],
    [0, 1, 2],
    [0, 1, 2],
    [0, 1, 2],
  ]);
});

interface Step {
  readonly step: number;
  readonly at: readonly [number, number];
  readonly happened: string;
  readonly blocks: string;
  readonly free: readonly number[];
}

const STEPS: readonly Step[] = [
  {
    step: 0,
    at: [20, 30],
    happened: 'alloc 0A, alloc 1A, alloc 2A, alloc 3A, cache 0A, cache 1A, cache 2A, cache 3A',
    blocks: 'A:0 A:1 A:2 A:3 - - - - - -',
    free: [4, 5, 6, 7, 8, 9],
  },
  {
    step: 1,
    at: [30, 40],
    happened: 'alloc 4A, free 4A, free 3A, free 2A, free 1A, free 0A',
    blocks: '-:0 -:1 -:2 -:3 - - - - - -',
    free: [5, 6, 7, 8, 9, 4, 3, 2, 1, 0],
  },
  {
    step: 2,
    at: [40, 50],
    happened: 'hit 0B, hit 1B, hit 2B, alloc 5B, alloc 6B, alloc 7B, cache 5B, cache 6B',
    blocks: 'B:0 B:1 B:2 -:3 - B:4 B:5 B - -',
    free: [8, 9, 4, 3],
  },
  {
    step: 3,
    at: [50, 60],
    happened: '',
    blocks: 'B:0 B:1 B:2 -:3 - B:4 B:5 B - -',
    free: [8, 9, 4, 3],
  },
  {
    step: 4,
    at: [60, 70],
    happened: 'hit 0C, hit 1C, hit 2C, alloc 8C, cache 8C',
    blocks: 'BC:0 BC:1 BC:2 -:3 - B:4 B:5 B C:7 -',
    free: [9, 4, 3],
  },
  {
    step: 5,
    at: [70, 80],
    happened: 'alloc 9C',
    blocks: 'BC:0 BC:1 BC:2 -:3 - B:4 B:5 B C:7 C',
    free: [4, 3],
  },
  {
    step: 6,
    at: [80, 90],
    happened: 'alloc 4B, cache 7B, hit 0D, hit 1D, hit 2D, evict 3D, alloc 3D, cache 3D',
    blocks: 'BCD:0 BCD:1 BCD:2 D:9 B B:4 B:5 B:6 C:7 C',
    free: [],
  },
  {
    step: 7,
    at: [90, 100],
    happened:
      'free 3D, free 2D, free 1D, free 0D, ' +
      'free 4B, free 7B, free 6B, free 5B, free 2B, free 1B, free 0B, ' +
      'free 9C, free 8C, free 2C, free 1C, free 0C',
    blocks: '-:0 -:1 -:2 -:9 - -:4 -:5 -:6 -:7 -',
    free: [3, 4, 7, 6, 5, 9, 8, 2, 1, 0],
  },
  {
    step: 8,
    at: [100, 110],
    happened: 'hit 0D, hit 1D, hit 2D, hit 3D, alloc 4D',
    blocks: 'D:0 D:1 D:2 D:9 D -:4 -:5 -:6 -:7 -',
    free: [7, 6, 5, 9, 8],
  },
  {
    step: 9,
    at: [110, 120],
    happened: 'free 4D, free 3D, free 2D, free 1D, free 0D',
    blocks: '-:0 -:1 -:2 -:9 - -:4 -:5 -:6 -:7 -',
    free: [7, 6, 5, 9, 8, 4, 3, 2, 1, 0],
  },
];

describe('step by step', () => {
  test('there are ten steps of ten milliseconds', () => {
    expect(reader.numSteps).toBe(STEPS.length);
    expect(history.stopped).toBeNull();
  });

  test.each(STEPS)('step $step', ({ step, at, happened: events, blocks, free }) => {
    expect([history.steps.startMs[step], history.steps.endMs[step]]).toEqual(at);
    expect(happened(step)).toBe(events);
    expect(blocksAfter(step)).toBe(blocks);
    expect(reader.freeBlocks(reader.stateAt(reader.momentOf(step)))).toEqual(free);
  });
});

test('the life of request D: queued, prefill, preempted, found again, decode', () => {
  const spans = requestSpans(reader.phasesOf(3), history.steps);
  expect(spans.map(({ kind, startMs, endMs, tokens }) => [kind, startMs, endMs, tokens])).toEqual([
    ['queued', 80, 80, 0],
    ['prefill', 80, 90, 4],
    ['decode', 90, 90, 0],
    ['preempted', 90, 100, 16],
    ['prefill', 100, 110, 1],
    ['decode', 110, 120, 0],
  ]);
});

test('the block that was evicted says so: whose need, and what was lost', () => {
  const past = reader.pastOf(3, reader.numEvents, 100);
  const eviction = past.find(({ kind }) => kind === 'evict');
  expect(eviction).toMatchObject({ step: 6, block: 3, request: 3, id: 3 });
});
