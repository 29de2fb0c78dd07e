/** `kvlab cache`: exact ratios of the published trace, sized objects against a plain loop, bad input. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRandom, REPLAY_POLICY_NAMES } from '../../src/index.ts';
import { referenceText, whyNoReferenceData } from '../reference-data.ts';
import { kvlab } from '../support/run-cli.ts';

const CONVERSATION = 'traces/mooncake_conversation_trace.jsonl';
const noConversation = whyNoReferenceData(CONVERSATION);

let folder = '';
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'kvlab-cache-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

interface Answer {
  readonly requests: number;
  readonly blocks: number;
  readonly hits: number;
  readonly misses: number;
  readonly hitRatio: number;
}

async function answer(...argv: string[]): Promise<Answer> {
  const { status, out, err } = await kvlab('cache', ...argv, '--json');
  expect(err).toBe('');
  expect(status).toBe(0);
  return JSON.parse(out) as Answer;
}

describe.skipIf(noConversation)(`the Mooncake conversation trace ${noConversation ?? ''}`, () => {
  let path = '';
  beforeAll(() => (path = file('conversation.jsonl', referenceText(CONVERSATION))));

  // FAST'25 trace; the ratios were computed independently (tests/golden/vectors.json, mooncake/conversation).
  test.each([
    ['1953', 0.0532],
    ['5859', 0.1355],
    ['97656', 0.3635],
    ['1000000', 0.3664],
  ])('LRU at %s blocks', async (blocks, ratio) => {
    const {
      requests,
      blocks: asked,
      hits,
      misses,
      hitRatio,
    } = await answer('--trace', path, '--blocks', blocks);
    expect({ requests, asked }).toEqual({ requests: 12_031, asked: 288_500 });
    expect(hits + misses).toBe(asked);
    expect(hitRatio).toBe(hits / asked);
    expect(Math.round(hitRatio * 1e4) / 1e4).toBe(ratio);
  });

  test('no policy beats the one that knows the future', { timeout: 60_000 }, async () => {
    const hits = new Map<string, number>();
    for (const policy of REPLAY_POLICY_NAMES) {
      hits.set(policy, (await answer('--trace', path, '--blocks', '5859', '--policy', policy)).hits);
    }
    const best = hits.get('belady') ?? 0;
    expect(best).toBeLessThan(0.3664 * 288_500);
    for (const [policy, count] of hits) if (policy !== 'belady') expect(count, policy).toBeLessThan(best);
  });
});

describe('objects with sizes', () => {
  /** Least recently used, as a list that is searched from end to end. */
  function plainLru(rows: readonly { id: number; size: number }[], capacity: number): number {
    let cached: { id: number; size: number }[] = [];
    let hits = 0;
    for (const { id, size } of rows) {
      const found = cached.find((object) => object.id === id);
      if (found) hits++;
      else if (size > capacity) continue;
      const rest = cached.filter((object) => object.id !== id);
      const total = () => rest.reduce((sum, object) => sum + object.size, 0);
      while (!found && total() + size > capacity) rest.shift();
      cached = [...rest, found ?? { id, size }];
    }
    return hits;
  }

  test.each([1, 2, 3])('LRU counts what a plain loop counts (seed %i)', async (seed) => {
    const random = createRandom(seed);
    const sizes = Array.from({ length: 60 }, () => 1 + random.below(400));
    const rows = Array.from({ length: 3000 }, () => {
      const id = Math.min(random.below(60), random.below(60));
      return { id, size: sizes[id] ?? 1 };
    });
    const csv = ['time,id,size', ...rows.map(({ id, size }, time) => `${time},o${id},${size}`)].join('\n');
    const path = file(`sized-${seed}.csv`, csv);
    for (const capacity of [300, 2000, 6000]) {
      const { hits, misses, requests } = await answer('--trace', path, '--bytes', String(capacity));
      expect(requests).toBe(3000);
      expect(hits).toBe(plainLru(rows, capacity));
      expect(misses).toBe(3000 - hits);
    }
  });

  test('GDSF keeps the small ones, so that more objects fit', async () => {
    const path = file('small.csv', '0,a,10\n1,big,90\n2,b,10\n3,a,10\n4,b,10\n');
    const lru = await answer('--trace', path, '--bytes', '100', '--policy', 'lru');
    const gdsf = await answer('--trace', path, '--bytes', '100', '--policy', 'gdsf');
    expect([lru.hits, gdsf.hits]).toEqual([1, 2]);
  });
});

describe('bad input is one sentence and exit status 2', () => {
  const row = '{"timestamp":0,"input_length":512,"output_length":1,"hash_ids":[0]}';
  const table: { name: string; args: () => string[]; says: RegExp }[] = [
    { name: 'no trace', args: () => ['--blocks', '5'], says: /needs --trace/ },
    { name: 'no capacity', args: () => ['--trace', 'x'], says: /needs one capacity/ },
    {
      name: 'two capacities',
      args: () => ['--trace', 'x', '--blocks', '1', '--bytes', '1'],
      says: /one capacity/,
    },
    {
      name: 'no such file',
      args: () => ['--trace', 'nowhere', '--blocks', '5'],
      says: /nowhere can't be read \(ENOENT\)/,
    },
    { name: 'a folder', args: () => ['--trace', folder, '--blocks', '5'], says: /can't be read \(EISDIR\)/ },
    {
      name: 'no such policy',
      args: () => ['--trace', 'x', '--policy', 'magic', '--blocks', '5'],
      says: /“magic”; there are lru, fifo/,
    },
    {
      name: 'a capacity of zero',
      args: () => ['--trace', 'x', '--blocks', '0'],
      says: /--blocks is “0”; a whole number from 1/,
    },
    {
      name: 'a capacity that is no number',
      args: () => ['--trace', 'x', '--bytes', '1 GB'],
      says: /--bytes is “1 GB”/,
    },
    {
      name: 'a broken line',
      args: () => ['--trace', file('bad.jsonl', `${row}\n{"timestamp":`), '--blocks', '5'],
      says: /Line 2 of the trace: it is no JSON/,
    },
    {
      name: 'a trace without ids',
      args: () => ['--trace', file('azure.csv', 'time,prompt,output\n0,5,6\n'), '--blocks', '5'],
      says: /has no block ids/,
    },
    {
      name: 'an empty file',
      args: () => ['--trace', file('empty.csv', '\n'), '--bytes', '5'],
      says: /without a single access/,
    },
    {
      name: 'an object without a size',
      args: () => ['--trace', file('short.csv', '0,a,5\n1,b\n'), '--bytes', '5'],
      says: /Line 2 of the trace: it has 2 fields/,
    },
    {
      name: 'a size of zero',
      args: () => ['--trace', file('zero.csv', '0,a,0\n'), '--bytes', '5'],
      says: /Line 1.*the size is 0/,
    },
    {
      name: 'objects out of order',
      args: () => ['--trace', file('order.csv', '5,a,1\n1,b,1\n'), '--bytes', '5'],
      says: /Line 2.*sort the trace/,
    },
  ];
  test.each(table)('$name', async ({ args, says }) => {
    const { status, out, err } = await kvlab('cache', ...args());
    expect(err).toMatch(says);
    expect(err.trim().split('\n')).toHaveLength(1);
    expect(out).toBe('');
    expect(status).toBe(2);
  });
});
