import { expect, test } from 'vitest';
import { canonicalJson, crc32 } from '../../../src/core/json.ts';
import { DEFAULT_SCENARIO } from '../../../src/core/scenario/defaults.ts';
import { parseScenario } from '../../../src/core/scenario/parse.ts';

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
const axis = (path: string, values: unknown[], labels?: string[]) => ({
  path,
  values,
  ...(labels ? { labels } : {}),
});

test('the defaults are a scenario, and pinned: links hold differences from them', () => {
  expect(parseScenario({ version: 1 })).toEqual({ ok: true, scenario: DEFAULT_SCENARIO });
  expect(crc32(canonicalJson(DEFAULT_SCENARIO))).toBe(1583263779);
});

test('a partial document is laid over the defaults', () => {
  const parsed = parseScenario(
    '{"version": 1, "engine": {"kvFormat": "int8", "eviction": {"policy": "h2o"}}}',
  );
  expect(parsed).toEqual({
    ok: true,
    scenario: {
      ...DEFAULT_SCENARIO,
      engine: {
        ...DEFAULT_SCENARIO.engine,
        kvFormat: 'int8',
        eviction: { policy: 'h2o', budgetTokens: 1024 },
      },
    },
  });
});

const refusals: { name: string; input: unknown; says: string }[] = [
  {
    name: 'no JSON',
    input: '{"version": 1',
    says: 'This scenario is not valid JSON; check for a missing bracket or quote.',
  },
  {
    name: 'no object',
    input: '[1]',
    says: 'A scenario is a JSON object such as {"version": 1}; this is none.',
  },
  { name: 'no version', input: {}, says: 'This scenario has no version; add "version": 1.' },
  {
    name: 'a newer version',
    input: { version: 2, surprise: true },
    says: 'This scenario has version 2, newer than 1, which is the newest read here; update KV Lab.',
  },
  {
    name: 'an odd version',
    input: { version: 'x' },
    says: 'This scenario has version "x"; the version read here is 1.',
  },
  {
    name: 'a long text',
    input: `{"version": 1, "about": "${'x'.repeat(70_000)}"}`,
    says: 'This scenario has 70027 characters; at most 65536 are read.',
  },
  {
    name: 'a deep text',
    input: `{"version": 1, "sweep": ${nested(20_000)}}`,
    says: 'This scenario is nested 20001 levels deep; at most 12 are read.',
  },
  {
    name: 'a deep object',
    input: { version: 1, sweep: JSON.parse(nested(40)) as unknown },
    says: 'This scenario is nested deeper than 12 levels; none needs that.',
  },
  {
    name: '__proto__',
    input: '{"version": 1, "__proto__": {"polluted": true}}',
    says: '__proto__ is not allowed as a name; remove it.',
  },
  {
    name: '__proto__ inside',
    input: '{"version": 1, "engine": {"__proto__": {"blockSize": 8}}}',
    says: 'engine.__proto__ is not allowed as a name; remove it.',
  },
  {
    name: 'a function',
    input: { version: 1, title: () => 1 },
    says: 'title is a function; this scenario must be plain JSON.',
  },
  { name: 'NaN', input: { version: 1, seed: NaN }, says: 'seed is NaN; a finite number is needed.' },
  {
    name: 'an unknown setting',
    input: { version: 1, workload: { promptTokes: 5 } },
    says: 'workload.promptTokes is not a setting; remove it or use one of concurrency, promptTokens, outputTokens, sharedPrefixTokens, groups.',
  },
  {
    name: 'a context of 10^9',
    input: { version: 1, workload: { promptTokens: 1e9 } },
    says: 'workload.promptTokens is 1000000000; the most is 1048576.',
  },
  {
    name: 'zero sequences',
    input: { version: 1, workload: { concurrency: 0 } },
    says: 'workload.concurrency is 0; the least is 1.',
  },
  {
    name: 'half a sequence',
    input: { version: 1, workload: { concurrency: 1.5 } },
    says: 'workload.concurrency is 1.5; a whole number is needed.',
  },
  {
    name: 'a word for a number',
    input: { version: 1, workload: { concurrency: 'many' } },
    says: 'workload.concurrency is "many"; a number is needed.',
  },
  {
    name: 'an unknown format',
    input: { version: 1, engine: { kvFormat: 'q4_0' } },
    says: 'engine.kvFormat is "q4_0"; choose one of f32, f16, fp8-e4m3, fp8-e5m2, int8, int4, int2.',
  },
  {
    name: 'an unknown block size',
    input: { version: 1, engine: { blockSize: 24 } },
    says: 'engine.blockSize is 24; choose one of 8, 16, 32, 64, 128.',
  },
  {
    name: 'uneven heads',
    input: { version: 1, model: { queryHeads: 10 } },
    says: 'model: queryHeads must be 1 to 8 times kvHeads, in whole numbers.',
  },
  {
    name: 'too many axis values',
    input: {
      version: 1,
      sweep: [
        axis(
          'workload.concurrency',
          Array.from({ length: 33 }, (_, i) => i + 1),
        ),
      ],
    },
    says: 'sweep.0.values has a length of 33; the most is 32.',
  },
  {
    name: 'a path outside',
    input: { version: 1, sweep: [axis('seed', [1])] },
    says: 'sweep.0.path is "seed", which is not a path such as workload.concurrency.',
  },
  {
    name: 'a path to nowhere',
    input: { version: 1, sweep: [axis('workload.speed', [1])] },
    says: 'Sweep point “speed 1”: workload.speed is not a setting of a scenario; check its spelling.',
  },
  {
    name: 'an axis value out of range',
    input: { version: 1, sweep: [axis('workload.concurrency', [1, 5000])] },
    says: 'Sweep point “concurrency 5000”: workload.concurrency is 5000; the most is 1024.',
  },
  {
    name: 'labels that do not match',
    input: { version: 1, sweep: [axis('workload.concurrency', [1, 2], ['one'])] },
    says: 'sweep.0 has 1 labels for 2 values; give each value one.',
  },
  {
    name: 'an axis twice',
    input: { version: 1, sweep: [axis('workload.concurrency', [1]), axis('workload.concurrency', [2])] },
    says: 'Two sweep axes change workload.concurrency; merge them into one.',
  },
  {
    name: 'too many points',
    input: {
      version: 1,
      sweep: ['concurrency', 'promptTokens']
        .map((name) =>
          axis(
            `workload.${name}`,
            Array.from({ length: 32 }, (_, i) => i + 1),
          ),
        )
        .concat(axis('engine.blockSize', [16, 32])),
    },
    says: 'The sweep has 2048 points; the most is 1024: drop some values.',
  },
  {
    name: 'a prefix longer than the prompt',
    input: { version: 1, workload: { promptTokens: 100, sharedPrefixTokens: 200 } },
    says: 'workload.sharedPrefixTokens is 200, more than the prompt of 100; lower it or lengthen the prompt.',
  },
  {
    name: 'a reservation that is too short',
    input: { version: 1, engine: { layout: 'contiguous', maxContextTokens: 100 } },
    says: 'engine.maxContextTokens reserves 100 tokens but a sequence needs 576; raise it, or set 0.',
  },
  {
    name: 'eviction without pages',
    input: { version: 1, engine: { layout: 'contiguous', eviction: { policy: 'h2o' } } },
    says: 'engine.eviction.policy is h2o, which needs engine.layout paged; switch either.',
  },
  {
    name: 'a residual that does not fit the blocks',
    input: { version: 1, engine: { kvFormat: 'int2', residualTokens: 100, blockSize: 32 } },
    says: 'engine.residualTokens is 100; int2 needs a multiple of 32.',
  },
  {
    name: 'sinks that fill the window',
    input: { version: 1, engine: { windowTokens: 4, sinkTokens: 4 } },
    says: 'engine.sinkTokens is 4, not less than engine.windowTokens, 4; lower it.',
  },
  {
    name: 'a prompt and output too long together',
    input: { version: 1, workload: { promptTokens: 1_048_576, outputTokens: 2 } },
    says: 'Prompt and output are 1048578 tokens together; the most is 1048576: shorten one.',
  },
];

test.each(refusals)('refuses $name in one sentence', ({ input, says }) => {
  expect(parseScenario(input)).toEqual({ ok: false, sentence: says });
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test('is not fooled by brackets in text', () => {
  const parsed = parseScenario(JSON.stringify({ version: 1, about: '[{'.repeat(100) + '"\\' }));
  expect(parsed.ok && parsed.scenario.about.length).toBe(202);
});
