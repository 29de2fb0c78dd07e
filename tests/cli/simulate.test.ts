/** `kvlab simulate` as it is called: what it answers, what it writes, what it refuses. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parseRun } from '../../src/core/run/parse.ts';
import { referenceText, whyNoReferenceData } from '../reference-data.ts';
import { kvlab } from '../support/run-cli.ts';

let folder = '';
beforeAll(() => {
  // The build writes it into the command line.
  vi.stubGlobal('__APP_VERSION__', 'test');
  // Pictures of the built command line are in accesses.test.ts.
  vi.stubEnv('KVLAB_CHROMIUM', '/nowhere/chromium');
  folder = mkdtempSync(join(tmpdir(), 'kvlab-simulate-'));
});
afterAll(() => {
  vi.unstubAllGlobals();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const SMALL = {
  version: 1,
  kind: 'simulate',
  title: 'A small one',
  hardware: { kvBlocks: 2000 },
  workload: {
    requests: 60,
    arrivals: { kind: 'poisson', rate: 10 },
    promptTokens: { kind: 'uniform', min: 10, max: 500 },
    outputTokens: { kind: 'uniform', min: 2, max: 40 },
  },
};

const small = (changes: object = {}): string => file('small.json', JSON.stringify({ ...SMALL, ...changes }));

test('--json answers the summary', async () => {
  const { status, out, err } = await kvlab('simulate', small(), '--json');
  expect({ status, err }).toMatchObject({ status: 0 });
  const answer = JSON.parse(out);
  expect(answer).toMatchObject({
    title: 'A small one',
    requests: 60,
    finished: 60,
    seeds: 1,
    preemptions: 0,
    complete: true,
  });
  for (const latency of ['ttftMs', 'tpotMs', 'e2eMs']) {
    expect(Object.keys(answer[latency])).toEqual(['mean', 'p50', 'p90', 'p95', 'p99']);
    expect(answer[latency].p50).toBeGreaterThan(0);
    expect(answer[latency].p99).toBeGreaterThanOrEqual(answer[latency].p50);
  }
  expect(answer.outputTokensPerSecond).toBeGreaterThan(0);
  expect(answer.goodput).toBeGreaterThan(0);
  expect(answer.prefixHitRatio).toBe(0);
  expect(answer.peakKvBlocks).toBeGreaterThan(0);
  expect(answer.peakKvBlocks).toBeLessThanOrEqual(2000);
  expect(answer.wallSeconds).toBeGreaterThan(0);
  expect(answer.points).toBeUndefined();
});

test('--seed changes the answer, the same one repeats it', async () => {
  const answer = async (...more: string[]) => {
    const { wallSeconds, ...rest } = JSON.parse((await kvlab('simulate', small(), '--json', ...more)).out);
    expect(wallSeconds).toBeGreaterThanOrEqual(0);
    return rest;
  };
  expect(await answer('--seed', '7')).toEqual(await answer('--seed=7'));
  expect(await answer('--seed', '7')).toEqual(await answer('--set', 'seed=7'));
  expect((await answer('--seed', '8')).ttftMs).not.toEqual((await answer('--seed', '7')).ttftMs);
});

test('a sweep over seeds: every point, means of its repetitions', async () => {
  const path = small({ sweep: [{ path: 'engine.maxSequences', values: [2, 64] }], repeats: 3 });
  const answer = JSON.parse((await kvlab('simulate', path, '--json')).out);
  expect(answer.points).toHaveLength(2);
  expect(answer.points[0]).toMatchObject({
    settings: { 'engine.maxSequences': 2 },
    seeds: 3,
    status: 'done',
  });
  expect(answer.ttftMs).toEqual(answer.points[0].ttftMs);
  expect(answer.points[1].ttftMs.p99).toBeLessThan(answer.points[0].ttftMs.p99);
});

test('for people: a table with the axes in front', async () => {
  const { out } = await kvlab(
    'simulate',
    small({ sweep: [{ path: 'engine.maxSequences', values: [2, 64] }] }),
  );
  const [title, header, first, second, times] = out.split('\n');
  expect(title).toMatch(/^A small one: 60 requests simulated in [\d.]+ s$/);
  expect(header).toMatch(/^maxSequences {2}TTFT p50/);
  expect(first).toMatch(/^2 +[\d,.]+\sm?s/);
  expect(second).toMatch(/^64 +/);
  expect(times).toMatch(/^Times: roofline, H100/);
});

test('--out writes the run, its tables and its figures, without a browser', async () => {
  const out = join(folder, 'out');
  const { status, err } = await kvlab('simulate', small(), '--out', out, '--json');
  expect(status).toBe(0);
  expect(err).toMatch(/SVG only.*KVLAB_CHROMIUM names \/nowhere\/chromium, which does not exist/);
  const parsed = parseRun(readFileSync(join(out, 'run.json'), 'utf8'));
  if (!parsed.ok || parsed.run.kind !== 'simulate') throw new Error('run.json is no simulation.');
  expect(parsed.run.command).toMatch(/^kvlab simulate /);
  const lines = (name: string) => readFileSync(join(out, name), 'utf8').trim().split('\r\n');
  expect(lines('requests.csv')).toHaveLength(1 + 60);
  expect(lines('points.csv')).toHaveLength(2);
  expect(lines('series.csv')[0]).toMatch(/^repetition,seed,timeMs,running,waiting,activeBlocks/);
  const figures = readdirSync(out).filter((name) => name.endsWith('.svg'));
  expect(figures.length).toBeGreaterThan(3);
  for (const name of figures) expect(readFileSync(join(out, name), 'utf8')).toMatch(/^<svg /);
});

test('a trace file takes the place of the arrivals; all of it unless told', async () => {
  const rows = Array.from({ length: 20 }, (_, i) =>
    JSON.stringify({ timestamp: i * 100, input_length: 1024, output_length: 5, hash_ids: [1, i + 2] }),
  );
  const trace = file('trace.jsonl', rows.join('\n'));
  const path = small({ engine: { blockSize: 512 }, hardware: { kvBlocks: 200 } });
  const answer = JSON.parse((await kvlab('simulate', path, '--trace', trace, '--json')).out);
  // The first block of 512 is shared by all, and computed once.
  expect(answer).toMatchObject({ requests: 20, finished: 20, prefixHitRatio: (19 * 512) / (20 * 1024) });
  const some = ['--set', 'workload.requests=7'];
  expect(JSON.parse((await kvlab('simulate', path, '--trace', trace, ...some, '--json')).out).requests).toBe(
    7,
  );
});

describe('bad input is one sentence and exit status 2', () => {
  const table: { name: string; args: () => string[]; says: RegExp }[] = [
    { name: 'no scenario', args: () => [], says: /simulate needs a scenario/ },
    { name: 'an unknown name', args: () => ['nothing'], says: /no file and no simulation “nothing”/ },
    { name: 'an experiment', args: () => ['block-size'], says: /is an experiment on a GPU/ },
    { name: 'a seed that is none', args: () => [small(), '--seed', 'x'], says: /seed/ },
    { name: 'a missing trace', args: () => ['azure-conversation'], says: /name its file with --trace/ },
    {
      name: 'a trace that is not there',
      args: () => ['azure-conversation', '--trace', join(folder, 'nowhere')],
      says: /nowhere can't be read \(ENOENT\)/,
    },
    {
      name: 'a bad line',
      args: () => [
        small(),
        '--trace',
        file('bad.csv', 'TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.0,many,7\n'),
      ],
      says: /bad\.csv: Line 2 of the trace: /,
    },
    {
      name: 'a profile that is no folder',
      args: () => [small(), '--profile', file('profile', '')],
      says: /is no folder; --profile names one/,
    },
    {
      name: 'a profile that is needed',
      args: () => [small({ cost: { kind: 'table', name: 'mine' } })],
      says: /profile mine; name its folder with --profile/,
    },
    {
      name: 'two sources of times',
      args: () => [small(), '--profile', folder, '--check', 'x'],
      says: /give one of them/,
    },
    {
      name: 'a policy that there is not',
      args: () => [small(), '--set', 'engine.cachePolicy=mru'],
      says: /engine\.cachePolicy/,
    },
    {
      name: 'a request of a trace that is longer than the model takes',
      args: () => [
        small(),
        '--trace',
        file(
          'long.csv',
          'TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.0,100,10\n2023-11-16 18:15:47.0,396000,109\n',
        ),
      ],
      says: /Request 2 has 396000 tokens of prompt and 109 of output, 396109 in all, more than the 131072 that the model takes/,
    },
    {
      name: 'a request longer than the pool',
      args: () => [small(), '--set', 'hardware.kvBlocks=1'],
      says: /hardware\.kvBlocks|KV blocks/,
    },
  ];
  test.each(table)('$name', async ({ args, says }) => {
    const { status, out, err } = await kvlab('simulate', ...args());
    expect(err).toMatch(says);
    expect(err.trim().split('\n')).toHaveLength(1);
    expect({ out, status }).toEqual({ out: '', status: 2 });
  });
});

const AZURE = 'traces/AzureLLMInferenceTrace_conv_2023.csv';
const missing = whyNoReferenceData(AZURE);

test.skipIf(missing !== null)(
  `the Azure trace, its first 500 requests${missing === null ? '' : `: ${missing}`}`,
  async () => {
    const trace = file('azure.csv', referenceText(AZURE).split('\n').slice(0, 501).join('\n'));
    const { status, out } = await kvlab('simulate', 'azure-conversation', '--trace', trace, '--json');
    expect(status).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ requests: 500, finished: 500 });
  },
);

test('a folder that cannot be made is refused in one sentence before anything runs', async () => {
  const parent = '/proc/kvlab';
  for (const path of [
    `${file('plain.txt', '')}/below`,
    ...(existsSync('/proc/self') ? [parent, `${parent}/x`] : []),
  ]) {
    const { status, out, err } = await kvlab('simulate', small(), '--out', path);
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(err).toMatch(/^The folder .* can't be made \(.*\); name another with --out\.\n$/);
  }
});
