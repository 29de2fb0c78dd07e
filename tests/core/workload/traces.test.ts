import { describe, expect, test } from 'vitest';
import { BLOCK_POLICIES } from '../../../src/core/eviction/blocks/index.ts';
import { detectTrace } from '../../../src/core/workload/traces/detect.ts';
import { readTrace } from '../../../src/core/workload/traces/read.ts';
import { piecesOf, readTraceStream } from '../../../src/core/workload/traces/stream.ts';
import {
  infinitePrefixReuse,
  prefixReuse,
  sharedPrefixBlocks,
} from '../../../src/core/workload/traces/reuse.ts';
import { isWithin, vectors } from '../../golden/vectors.ts';
import { referenceText, whyNoReferenceData } from '../../reference-data.ts';

const row = (fields: object): string =>
  JSON.stringify({ timestamp: 0, input_length: 16, output_length: 1, hash_ids: [0], ...fields });

describe('a good trace', () => {
  test.each([
    {
      name: 'Azure, with carriage returns',
      text: 'TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:15:46.6805900,374,44\r\n2023-11-16 18:15:50.9951690,396,109\r\n',
      arrivals: [0, 4.314579],
      blockTokens: null,
    },
    {
      name: 'plain seconds',
      text: 'arrived_at,num_prefill_tokens,num_decode_tokens\n10,5,6\n12.5,7,8\n',
      arrivals: [0, 2.5],
      blockTokens: null,
    },
    {
      name: 'full blocks of 16',
      text: `${row({})}\n${row({ timestamp: 250, input_length: 40, hash_ids: [0, 1] })}`,
      arrivals: [0, 0.25],
      blockTokens: 16,
    },
    {
      name: 'milliseconds, in quotes, after a byte order mark',
      text: '\uFEFF"arrival_ms","prompt_tokens","output_tokens"\n"10","5","6"\n260,7,8\n',
      arrivals: [0, 0.25],
      blockTokens: null,
    },
  ])('$name', ({ text, arrivals, blockTokens }) => {
    const trace = readTrace(text);
    expect(trace.blockTokens).toBe(blockTokens);
    trace.requests.forEach(({ arrivalSeconds }, i) =>
      expect(arrivalSeconds).toBeCloseTo(arrivals[i] ?? NaN, 5),
    );
    expect(trace.requests).toHaveLength(arrivals.length);
  });

  test('across midnight and a leap day', () => {
    const trace = readTrace('time,prompt,output\n2024-02-29 23:59:59.5,1,1\n2024-03-01 00:00:00.25,1,1\n');
    expect(trace.requests[1]?.arrivalSeconds).toBeCloseTo(0.75, 5);
  });
});

test.each([
  { name: 'a missing column', text: 'time,prompt\n1,2\n', message: /Line 1.*output column/ },
  {
    name: 'a missing field',
    text: 'time,prompt,output\n1,2,3\n4,5\n',
    message: /Line 3.*field 3 is missing/,
  },
  {
    name: 'a length that is no number',
    text: 'time,prompt,output\n1,x,3\n',
    message: /Line 2.*prompt length is NaN/,
  },
  { name: 'an empty prompt', text: 'time,prompt,output\n1,0,3\n', message: /Line 2.*from 1 to/ },
  { name: 'a context of 10^9', text: 'time,prompt,output\n1,1000000000,3\n', message: /Line 2.*100000000/ },
  {
    name: 'a trace out of order',
    text: 'time,prompt,output\n1,2,3\n0.5,2,3\n',
    message: /Line 3 of the trace: it arrives 0.5 s before the line above it; sort/,
  },
  { name: 'a date that is none', text: 'time,prompt,output\nyesterday,2,3\n', message: /Line 2.*yesterday/ },
  { name: 'broken JSON', text: `${row({})}\n{"timestamp":`, message: /Line 2.*no JSON/ },
  { name: 'a wrong type', text: row({ input_length: '16' }), message: /Line 1.*input_length/ },
  {
    name: 'ids of no known block size',
    text: row({ hash_ids: [1, 2, 3, 4, 5] }),
    message: /Line 1.*5 block ids for 16 prompt tokens.*one id for each 512 or 16/,
  },
  {
    name: 'a line whose ids stand for other blocks than those before it',
    text: `${row({ input_length: 64, hash_ids: [0, 1, 2, 3] })}\n${row({ input_length: 1000, hash_ids: [0, 9] })}`,
    message: /Line 2.*2 block ids for 1000 prompt tokens.*the lines before it have an id for each 16 tokens/,
  },
  { name: 'rates that are all 0', text: 'time,rate\n0,0\n60,0\n', message: /Line 4.*rates are 0/ },
  { name: 'a rate below 0', text: 'time,rate\n0,1\n60,-3\n', message: /Line 3.*rate is “-3”/ },
  { name: 'a rate that is no number', text: '0,1,1,Gamma,1,1\n60,much,1,,0,0', message: /Line 2.*“much”/ },
  { name: 'rates out of order', text: 'time,rate\n60,1\n0,1\n', message: /Line 3.*sort the rates/ },
  { name: 'nothing', text: '\n\n', message: /without a single request/ },
])('refuses $name', ({ text, message }) => {
  expect(() => readTrace(text)).toThrow(message);
});

describe('rates', () => {
  test('as ServeGen writes them, without a header', () => {
    const text = '0,1.5,8.5,Weibull,0.37,0.39\n600,0,0,,0,0\n1200,0.25,6,Gamma,0.03,3.38\n';
    expect(readTrace(text)).toEqual({
      requests: [],
      blockTokens: null,
      rates: [
        { startSeconds: 0, rate: 1.5, cv: 8.5 },
        { startSeconds: 600, rate: 0, cv: 1 },
        { startSeconds: 1200, rate: 0.25, cv: 6 },
      ],
    });
  });

  test('with named columns, from the first time on', () => {
    expect(readTrace('start_time,rps\n100,2\n160,3').rates).toEqual([
      { startSeconds: 0, rate: 2, cv: 1 },
      { startSeconds: 60, rate: 3, cv: 1 },
    ]);
  });
});

test.each<[string, string | null]>([
  ['TIMESTAMP,ContextTokens,GeneratedTokens', 'azure'],
  ['arrived_at,num_prefill_tokens,num_decode_tokens', 'csv'],
  [row({ input_length: 600, hash_ids: [1, 2] }), 'mooncake'],
  [row({ input_length: 40, hash_ids: [1, 2] }), 'vllm-replay'],
  [row({ hash_ids: [] }), 'jsonl'],
  ['0,1.5,8.5,Weibull,0.37,0.39', 'servegen'],
  ['time,rate', 'rates'],
  ['a story', null],
  ['{"a":', null],
  ['', null],
])('a file that begins with %s is %s', (line, format) => {
  expect(detectTrace(line)).toBe(format);
});

describe('a stream', () => {
  const text = 'time,prompt,output\r\n1,2,3\n\n2,3,4\n3,4,5';
  async function* inPieces(size: number, bytes: boolean) {
    await Promise.resolve();
    const all = new TextEncoder().encode(text);
    for (let at = 0; at < all.length; at += size) {
      yield bytes ? all.subarray(at, at + size) : text.slice(at, at + size);
    }
  }

  test.each([1, 2, 3, 7, 1000])('in pieces of %i is read as the whole is', async (size) => {
    for (const bytes of [true, false])
      expect(await readTraceStream(inPieces(size, bytes))).toEqual(readTrace(text));
  });

  test('of the web is read, counted and closed', async () => {
    const seen: number[] = [];
    const stream = new Blob([text]).stream();
    const onProgress = ({ read, lines }: { read: number; lines: number }) => seen.push(read, lines);
    expect(await readTraceStream(piecesOf(stream), { onProgress })).toEqual(readTrace(text));
    expect(seen).toEqual([text.length, 4]);
  });

  test('that is cancelled ends at once', async () => {
    let pieces = 0;
    async function* endless() {
      for (;;) {
        await Promise.resolve();
        pieces++;
        yield 'time,prompt,output\n';
      }
    }
    const answer = await readTraceStream(endless(), { cancelled: () => pieces === 1 });
    expect(answer).toBeNull();
    expect(pieces).toBe(1);
  });

  test('without line ends is refused before it fills the memory', async () => {
    async function* endless() {
      for (;;) {
        await Promise.resolve();
        yield '{"timestamp": 0, "hash_ids": ['.padEnd(400_000, '1');
      }
    }
    await expect(readTraceStream(endless())).rejects.toThrow(
      /Line 1 of the trace: it has 64400000 characters/,
    );
  });
});

test('shared prefix of the Mooncake note', () => {
  for (const { input, expected } of vectors('mooncake/shared-ids')) {
    const { hash_ids_a, hash_ids_b, block } = input as {
      hash_ids_a: number[];
      hash_ids_b: number[];
      block: number;
    };
    expect(sharedPrefixBlocks(hash_ids_a, hash_ids_b) * block).toBe(expected);
  }
});

const mooncake = 'traces/mooncake_conversation_trace.jsonl';
const noMooncake = whyNoReferenceData(mooncake);
describe.skipIf(noMooncake !== null)(
  `the Mooncake conversation trace${noMooncake ? ` (skipped: ${noMooncake})` : ''}`,
  () => {
    const trace = noMooncake ? { requests: [], blockTokens: null } : readTrace(referenceText(mooncake));

    test('has the published size', () => {
      expect(trace.blockTokens).toBe(512);
      const [stats] = vectors('mooncake/conversation/stats');
      const expected = stats?.expected as Record<string, number>;
      const mean = (of: (r: (typeof trace.requests)[number]) => number): number =>
        trace.requests.reduce((sum, r) => sum + of(r), 0) / trace.requests.length;
      expect(trace.requests).toHaveLength(expected['requests'] ?? NaN);
      expect(mean((r) => r.promptTokens)).toBeCloseTo(expected['mean_input'] ?? NaN, 6);
      expect(mean((r) => r.outputTokens)).toBeCloseTo(expected['mean_output'] ?? NaN, 6);
      expect(new Set(trace.requests.flatMap((r) => r.blockIds)).size).toBe(expected['unique_blocks']);
    });

    test('infinite cache', () => {
      const [vector] = vectors('mooncake/conversation/infinite');
      const { hit_blocks, ratio } = vector?.expected as Record<string, number>;
      const reuse = infinitePrefixReuse(trace.requests);
      expect(reuse.hitBlocks).toBe(hit_blocks);
      expect(isWithin(reuse.hitRatio, ratio, 1e-9)).toBe(true);
    });

    test.each(vectors('mooncake/conversation/lru').map((v) => [v.id, v] as const))(
      '%s',
      (_, { input, expected }) => {
        const capacity = Number(input['capacity_blocks']);
        const { hitRatio } = prefixReuse(trace.requests, BLOCK_POLICIES.lru(capacity), capacity);
        expect(hitRatio.toFixed(4)).toBe(String(expected));
      },
    );
  },
);

const azure = 'traces/AzureLLMInferenceTrace_conv_2023.csv';
const noAzure = whyNoReferenceData(azure);
test.skipIf(noAzure !== null)(
  `the Azure conversation trace${noAzure ? ` (skipped: ${noAzure})` : ''}`,
  () => {
    const [vector] = vectors('azure/conv');
    const expected = vector?.expected as Record<string, number>;
    const { requests } = readTrace(referenceText(azure));
    const mean = requests.reduce((sum, r) => sum + r.promptTokens, 0) / requests.length;
    expect(requests).toHaveLength(expected['requests'] ?? NaN);
    expect(isWithin(mean, expected['mean_context'], 1e-9)).toBe(true);
    expect(Math.max(...requests.map((r) => r.promptTokens))).toBe(expected['max_context']);
  },
);

describe('WEKA conversations', () => {
  const conversation = (requests: object[], more: object = {}): string =>
    JSON.stringify({ id: 'a', block_size: 64, hash_id_scope: 'local', tool_tokens: 10, requests, ...more });
  const first = [
    { t: 0, type: 's', in: 130, out: 5, hash_ids: [1, 2, 3] },
    { t: 10, type: 'n', in: 200, out: 7, hash_ids: [1, 2, 4] },
  ];

  test('requests of several conversations in the order of their times; local ids are their own', () => {
    const second = [
      { t: 4, type: 's', in: 64, out: 1, hash_ids: [1] },
      { type: 'subagent', requests: [] },
    ];
    const trace = readTrace(`${conversation(first)}\n${conversation(second)}\n`);
    expect(trace.blockTokens).toBe(64);
    expect(trace.requests.map(({ arrivalSeconds, promptTokens }) => [arrivalSeconds, promptTokens])).toEqual([
      [0, 130],
      [4, 64],
      [10, 200],
    ]);
    const [a, b, c] = trace.requests.map(({ blockIds }) => blockIds);
    expect(c?.slice(0, 2)).toEqual(a?.slice(0, 2));
    expect(b?.[0]).not.toBe(a?.[0]);
    expect(trace.notes?.join(' ')).toMatch(/2 conversations.*1 sub-agents are left out/);
  });

  test('global ids are shared, ids beyond the prompt are cut', () => {
    const shared = { hash_id_scope: 'global' };
    const long = [{ t: 1, in: 65, out: 1, hash_ids: [1, 2, 3, 4] }];
    const trace = readTrace(`${conversation(first, shared)}\n${conversation(long, shared)}`);
    expect(trace.requests[1]?.blockIds).toEqual(trace.requests[0]?.blockIds.slice(0, 2));
  });

  test('is known from its beginning, whatever follows', () => {
    expect(detectTrace(conversation(first).slice(0, 120))).toBe('weka');
    expect(detectTrace(row({ input_length: 600, hash_ids: [0, 1] }))).toBe('mooncake');
  });

  test.each([
    { text: conversation([{ t: 0, in: 5 }]), message: /Line 1.*lacks t, in or out/ },
    { text: conversation(first).slice(0, -3), message: /Line 1.*no JSON/ },
    {
      text: `${conversation(first)}\n${conversation(first, { block_size: 32 })}`,
      message: /Line 2.*block_size is 32/,
    },
  ])('$message', ({ text, message }) => {
    expect(() => readTrace(text)).toThrow(message);
  });
});

describe('BurstGPT', () => {
  const header = 'Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type';
  // The published rows of the first file: 5, 45 and 118 seconds.
  const rows = '5,ChatGPT,472,18,490,Conversation log\n45,ChatGPT,1087,230,1317,Conversation log\n';

  test('is read in seconds; failures are kept and counted', () => {
    const trace = readTrace(`${header}\n${rows}118,GPT-4,417,0,417,API log\n`);
    expect(detectTrace(header)).toBe('burstgpt');
    expect(
      trace.requests.map(({ arrivalSeconds, promptTokens, outputTokens }) => [
        arrivalSeconds,
        promptTokens,
        outputTokens,
      ]),
    ).toEqual([
      [0, 472, 18],
      [40, 1087, 230],
      [113, 417, 0],
    ]);
    expect(trace.notes?.[0]).toContain('1 requests have no response tokens');
  });

  test('version 3 has a session and an elapsed time beside', () => {
    const third =
      'Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n' +
      '5,0a1b,1.5,ChatGPT,472,18,490,Conversation log\n';
    expect(readTrace(third).requests[0]).toMatchObject({ promptTokens: 472, outputTokens: 18 });
  });
});

test('ServeGen’s rates are told from others by having no header', () => {
  expect(detectTrace('0,0.5,1.2,Gamma,"(0.7, 1.1)"')).toBe('servegen');
  expect(detectTrace('time,rate')).toBe('rates');
});
