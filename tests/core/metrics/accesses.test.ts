import { describe, expect, test } from 'vitest';
import { BLOCK_POLICIES, replayColumns } from '../../../src/core/eviction/blocks/index.ts';
import { accessProfile, accessSummary } from '../../../src/core/metrics/accesses.ts';
import { demoAccessLog } from '../../../src/core/metrics/accesses-demo.ts';
import { heatMap, hitRateOverTime } from '../../../src/core/metrics/accesses-heatmap.ts';
import { AccessLogReader, AccessRecorder, type AccessLog } from '../../../src/core/metrics/accesses-log.ts';
import { geometricSizes, missRatioCurves } from '../../../src/core/metrics/accesses-missratio.ts';
import {
  COLD,
  lruHitsBySize,
  reuseDistances,
  reuseHistogram,
} from '../../../src/core/metrics/accesses-reuse.ts';
import { createRandom } from '../../../src/core/random.ts';

function read(text: string): AccessLog {
  const reader = new AccessLogReader();
  for (const line of text.split('\n')) reader.push(line);
  return reader.finish();
}

/** Blocks by letters, one access a second; hits as given, misses otherwise. */
function logOf(blocks: string, hits = ''): AccessLog {
  const recorder = new AccessRecorder();
  [...blocks].forEach((block, at) => recorder.record(block, at, hits[at] === '1'));
  return recorder.log('ms');
}

function randomLog(seed: number, length = 400, blocks = 40): AccessLog {
  const random = createRandom(seed);
  const recorder = new AccessRecorder();
  for (let at = 0; at < length; at++) {
    recorder.record(Math.min(random.below(blocks), random.below(blocks)), at, random.below(2) === 0);
  }
  return recorder.log('ms');
}

describe('a recorded log', () => {
  const expected = { block: [0, 1, 0], time: [0, 1.5, 2], hit: [0, 0, 1], names: ['a7', 'b'] };
  test.each([
    ['CSV with a header', 'block,time,hit\na7,0,0\nb,1.5,0\na7,2,1\n'],
    ['CSV with columns in another order', 'time,hit,block\r\n0,miss,a7\r\n1.5,false,b\r\n2,HIT,a7'],
    ['CSV without a header', 'a7,0,0\n\nb,1.5,0\na7,2,1'],
    [
      'JSON lines',
      '{"block":"a7","time":0,"hit":false}\n{"hit":0,"time":1.5,"block":"b"}\n{"block":"a7","time":2,"hit":true}',
    ],
  ])('%s', (_, text) => {
    const log = read(text);
    expect({ block: [...log.block], time: [...log.time], hit: [...log.hit], names: log.names }).toEqual(
      expected,
    );
    expect(log.depth).toBeNull();
  });

  test.each([
    ['nothing', '\n', /without a single access/],
    ['a header alone', 'block,time,hit\n', /without a single access/],
    ['a missing column', 'block,time\n1,2', /Line 1.*no hit column/],
    ['a missing field', 'block,time,hit\n1,2,0\n1,3', /Line 3.*hit is “undefined”/],
    ['a hit that is none', '1,2,maybe', /Line 1.*hit is “maybe”; 1 or 0/],
    ['a time that is none', '1,soon,1', /Line 1.*time is no number/],
    ['an empty time', '1,,1', /Line 1.*time is no number/],
    ['no block', ',1,1', /Line 1.*block is missing/],
    ['a log out of order', '1,5,1\n1,4,1', /Line 2.*time 4 lies before.*5; sort/],
    ['broken JSON', '{"block":1', /Line 1.*no JSON/],
    ['JSON without a block', '{"time":1,"hit":1}', /Line 1.*block is missing/],
    ['a line without end', `1,1,${'1'.repeat(10_001)}`, /10005 characters/],
  ])('refuses %s', (_, text, message) => {
    expect(() => read(text)).toThrow(message);
  });
});

describe('reuse distances', () => {
  test('count the other blocks in between', () => {
    expect([...reuseDistances(logOf('abcabbca').block)]).toEqual([COLD, COLD, COLD, 2, 2, 0, 2, 2]);
  });

  test.each([1, 2, 3, 4])('are those of a list that is searched (seed %i)', (seed) => {
    const { block } = randomLog(seed);
    const stack: number[] = [];
    const expected = [...block].map((one) => {
      const at = stack.indexOf(one);
      if (at >= 0) stack.splice(at, 1);
      stack.unshift(one);
      return at;
    });
    expect([...reuseDistances(block)]).toEqual(expected);
  });

  test('in bins of powers of two, with what lies between', () => {
    const histogram = reuseHistogram(Int32Array.of(COLD, 0, 0, 1, 2, 3, 4, 7, 8, COLD));
    expect(histogram).toEqual({
      bins: [
        { from: 0, to: 0, count: 2 },
        { from: 1, to: 1, count: 1 },
        { from: 2, to: 3, count: 2 },
        { from: 4, to: 7, count: 2 },
        { from: 8, to: 15, count: 1 },
      ],
      cold: 2,
      mean: 25 / 8,
      median: 2,
      p90: 8,
    });
    expect(reuseHistogram(Int32Array.of(COLD))).toMatchObject({
      cold: 1,
      mean: null,
      median: null,
      bins: [],
    });
    // A bin that nothing fell into is there, and empty.
    expect(reuseHistogram(Int32Array.of(0, 4)).bins.map(({ count }) => count)).toEqual([1, 0, 0, 1]);
  });
});

describe('miss-ratio curves', () => {
  test.each([1, 2, 3])('of LRU from distances are those of replays (seed %i)', (seed) => {
    const { block, names } = randomLog(seed);
    const hits = lruHitsBySize(reuseDistances(block), names.length);
    for (const size of [1, 2, 5, 13, names.length]) {
      expect(hits[size]).toBe(replayColumns(BLOCK_POLICIES.lru(size), size, { keys: block }).hits);
    }
  });

  test('end at the floor, and none lies below the optimum', () => {
    const { sizes, curves, floor, sampledShare } = missRatioCurves(randomLog(1, 2000, 100));
    expect(sampledShare).toBe(1);
    const belady = curves.find(({ policy }) => policy === 'belady')?.missRatio ?? [];
    expect(curves).toHaveLength(11);
    for (const { policy, missRatio } of curves) {
      expect(missRatio).toHaveLength(sizes.length);
      expect(missRatio.at(-1), policy).toBeCloseTo(floor, 12);
      missRatio.forEach((ratio, i) => expect(ratio, policy).toBeGreaterThanOrEqual(belady[i] ?? NaN));
    }
  });

  test('on a sample of the blocks come near the whole, and say so', () => {
    const random = createRandom(7);
    const recorder = new AccessRecorder();
    for (let at = 0; at < 60_000; at++) {
      const draws = [random.below(3000), random.below(3000), random.below(3000)];
      recorder.record(Math.min(...draws), at, false);
    }
    const log = recorder.log('ms');
    const policies = ['fifo', 'sieve'] as const;
    const exact = missRatioCurves(log, { policies });
    const sampled = missRatioCurves(log, { policies, maxReplayed: 300_000 });
    expect(sampled.sampledShare).toBeGreaterThan(0.2);
    expect(sampled.sampledShare).toBeLessThan(0.3);
    sampled.curves.forEach(({ missRatio }, curve) =>
      missRatio.forEach((ratio, i) => {
        // Below a few blocks of a sample there is nothing to see.
        if ((exact.sizes[i] ?? 0) < 50) return;
        expect(Math.abs(ratio - (exact.curves[curve]?.missRatio[i] ?? NaN))).toBeLessThan(0.04);
      }),
    );
  });

  test('sizes are evenly spaced by ratio, from one block to all', () => {
    expect(geometricSizes(1000, 4)).toEqual([1, 10, 100, 1000]);
    expect(geometricSizes(5, 10)).toEqual([1, 2, 3, 4, 5]);
    expect(geometricSizes(1, 10)).toEqual([1]);
  });
});

describe('the grid', () => {
  test('holds every access once', () => {
    const log = randomLog(3, 1000, 100);
    const { counts, hits, timeEdges, blockEdges } = heatMap(log, { time: 7, block: 9 });
    const sum = (rows: readonly (readonly number[])[]): number => rows.flat().reduce((a, b) => a + b, 0);
    expect([counts.length, counts[0]?.length]).toEqual([9, 7]);
    expect([timeEdges.length, blockEdges.length]).toEqual([8, 10]);
    expect(sum(counts)).toBe(1000);
    expect(sum(hits)).toBe(log.hit.reduce((a, b) => a + b, 0));
    const { accesses } = hitRateOverTime(log, 7);
    expect(accesses).toEqual(
      timeEdges.slice(1).map((_, column) => counts.reduce((all, row) => all + (row[column] ?? 0), 0)),
    );
  });

  test('puts an access at an edge behind it, and the last one in the last column', () => {
    expect(heatMap(logOf('aaaaa', '01111'), { time: 2 })).toEqual({
      timeEdges: [0, 2, 4],
      blockEdges: [0, 1],
      counts: [[2, 3]],
      hits: [[1, 3]],
    });
  });

  test('of accesses at one moment has one column', () => {
    const recorder = new AccessRecorder();
    recorder.record('a', 5, false);
    recorder.record('b', 5, true);
    expect(heatMap(recorder.log('ms')).counts).toEqual([[1], [1]]);
  });
});

describe('the summary', () => {
  test('of a log in which everything can be counted', () => {
    expect(accessSummary(logOf('aabacadabe', '0101010110'))).toEqual({
      accesses: 10,
      hits: 5,
      misses: 5,
      hitRatio: 0.5,
      blocks: 5,
      unboundedHitRatio: 0.5,
      blocksUsedOnce: 3,
      topTenthShare: 0.5,
      medianReuseDistance: 1,
      p90ReuseDistance: 3,
      duration: 9,
      timeUnit: 'ms',
    });
  });

  test('has what was asked for beside it', () => {
    const log = logOf('abab');
    expect(Object.keys(accessProfile(log, 'heatmap'))).toEqual(['summary', 'heatmap', 'hitRate']);
    expect(Object.keys(accessProfile(log, 'reuse'))).toEqual(['summary', 'reuse']);
    expect(Object.keys(accessProfile(log, 'missratio'))).toEqual(['summary', 'missRatio']);
    expect(Object.keys(accessProfile(log))).toEqual(['summary', 'heatmap', 'hitRate', 'reuse', 'missRatio']);
  });
});

describe('the demonstration', () => {
  test('has as many accesses as asked for, some hits, and is the same every time', () => {
    const log = demoAccessLog(1000);
    expect(log.block).toHaveLength(1000);
    expect(demoAccessLog(1000)).toEqual(log);
    expect(demoAccessLog(1000, 2)).not.toEqual(log);
    const { hitRatio, unboundedHitRatio } = accessSummary(log);
    expect(hitRatio).toBeGreaterThan(0.2);
    expect(hitRatio).toBeLessThan(unboundedHitRatio);
    expect(log.depth).toHaveLength(1000);
  });
});
